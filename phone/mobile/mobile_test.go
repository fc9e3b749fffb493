package mobile

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link"
	"sotto/phone/vault"
	"sotto/secret"
)

// linkFunc is a function as a Link.
type linkFunc func(card string, message []byte, milliseconds int64) ([]byte, error)

func (f linkFunc) Exchange(card string, message []byte, milliseconds int64) ([]byte, error) {
	return f(card, message, milliseconds)
}

func newCarrier(f linkFunc) *carrier { return &carrier{to: f, busy: map[string]bool{}} }

func sealedMessage(t *testing.T) []byte {
	t.Helper()
	outer := dyncode.NewOuter(secret.New(make([]byte, 32)), ident.Raw{1}, ident.Raw{2}, [32]byte{})
	return outer.Seal(nil, dyncode.CardSealed, ident.Raw{3}, 1, []byte("bank part"))
}

func plainMessage(t *testing.T) []byte {
	t.Helper()
	m, err := dyncode.AppendLines(nil, ident.Raw{3}, dyncode.Lines{Lifetime: 60, Code: []byte("482913"), Text: [][]byte{[]byte("Pay")}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Only what is sealed crosses, unless the app has said otherwise; and what is no
// message at all never does.
func TestOnlySealedMessagesCross(t *testing.T) {
	crossed := 0
	c := newCarrier(func(string, []byte, int64) ([]byte, error) { crossed++; return []byte{1}, nil })
	for _, tt := range []struct {
		name    string
		message []byte
		allow   bool
		want    int
	}{
		{"sealed", sealedMessage(t), false, 1},
		{"plain", plainMessage(t), false, 0},
		{"noise", []byte("code 482913"), false, 0},
		{"plain, allowed", plainMessage(t), true, 1},
	} {
		crossed = 0
		if tt.allow {
			c.allow()
		}
		_, err := c.Exchange(t.Context(), "card", tt.message)
		if crossed != tt.want || (err == nil) != (tt.want == 1) || err != nil && !errors.Is(err, link.ErrOutOfReach) {
			t.Errorf("%s: crossed %d times, %v", tt.name, crossed, err)
		}
	}
}

func TestWhatALinkSays(t *testing.T) {
	broken := errors.New("the radio is off")
	for _, tt := range []struct {
		name   string
		answer []byte
		err    error
		want   error
	}{
		{"an answer", []byte("answer"), nil, nil},
		{"nothing", nil, nil, link.ErrOutOfReach},
		{"an error", nil, broken, link.ErrLost},
		{"an answer and an error", []byte("half"), broken, link.ErrLost},
	} {
		c := newCarrier(func(string, []byte, int64) ([]byte, error) { return tt.answer, tt.err })
		answer, err := c.Exchange(t.Context(), "card", sealedMessage(t))
		if !errors.Is(err, tt.want) || tt.want == nil && string(answer) != "answer" || tt.want != nil && answer != nil {
			t.Errorf("%s: got %q, %v", tt.name, answer, err)
		}
	}
}

// An app that does not come back in time is not waited for, and not asked about
// the same card again until it has.
func TestLinkThatDoesNotReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan int64, 10)
		release := make(chan struct{})
		c := newCarrier(func(_ string, _ []byte, milliseconds int64) ([]byte, error) {
			asked <- milliseconds
			<-release
			return []byte{1}, nil
		})
		try := func(card string) error {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			_, err := c.Exchange(ctx, card, sealedMessage(t))
			return err
		}
		for _, card := range []string{"a", "a", "b"} {
			if err := try(card); !errors.Is(err, link.ErrLost) {
				t.Errorf("card %s: got %v", card, err)
			}
		}
		if len(asked) != 2 || <-asked != 3000 || <-asked != 3000 {
			t.Error("the app was not asked once for each card, with three seconds each")
		}
		close(release)
		synctest.Wait()
		if err := try("a"); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// fakePhone is the folder of a phone whose bank is nowhere.
func fakePhone(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "phone")
	v, err := vault.Prepare(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	err = v.Enrol(vault.Identity{
		Phone: ident.Text(ident.Phone, ident.Raw{7}), Bank: "http://127.0.0.1:1", Bus: "tls://127.0.0.1:1",
		Seed: secret.New(make([]byte, 32)), Key: secret.New(make([]byte, 32)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// heard is a Log.
type heard struct{ lines chan string }

func (h heard) Line(text string) {
	select {
	case h.lines <- text:
	default:
	}
}

func TestPhoneWithoutABank(t *testing.T) {
	dir := fakePhone(t)
	p, err := Open(dir, linkFunc(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, linkFunc(nil)); err == nil {
		t.Error("the folder was opened twice")
	}
	if got, want := p.ID(), ident.Text(ident.Phone, ident.Raw{7}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	p.SetLanguage("fr")
	if err := p.Start(); err == nil {
		t.Error("a language that nobody speaks: got no error")
	}
	p.SetLanguage("zh")
	log := heard{make(chan string, 1)}
	p.SetLog(log)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if p.WaitOnline(50) || p.Online() {
		t.Error("a bank was reached that is nowhere")
	}
	p.InReach("card_x")
	p.Stop()
	p.SetLog(nil)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	again, err := Open(dir, linkFunc(nil))
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	again.Close()
}

func TestMistakesOfAnApp(t *testing.T) {
	if _, err := Open(fakePhone(t), nil); !errors.Is(err, errLink) {
		t.Errorf("no link: got %v", err)
	}
	if _, err := Open(t.TempDir()+"/none", linkFunc(nil)); !errors.Is(err, vault.ErrNotEnrolled) {
		t.Errorf("no folder: got %v", err)
	}
	ticket := bankapi.Ticket{URL: "http://127.0.0.1:1", Phone: ident.Text(ident.Phone, ident.Raw{7}), Secret: secret.New(make([]byte, 32))}
	text, err := ticket.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, tt := range map[string]struct {
		e    Enrolment
		want string
	}{
		"no ticket":     {Enrolment{Dir: dir + "/a", DeviceID: "random"}, "ticket"},
		"no key source": {Enrolment{Dir: dir + "/b", Ticket: text}, "key source"},
		"too large":     {Enrolment{Dir: dir + "/c", Ticket: text, Face: make([]byte, dyncode.KeySourceItemMax+1)}, "content"},
		"taken folder":  {Enrolment{Dir: fakePhone(t), Ticket: text, DeviceID: "x"}, "already has a phone"},
		"no bank":       {Enrolment{Dir: dir + "/d", Ticket: text, DeviceID: "x"}, "redeem"},
	} {
		if _, err := tt.e.Enrol(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want something with %q", name, err, tt.want)
		}
	}
}

func TestLogLines(t *testing.T) {
	h := heard{make(chan string, 1)}
	if n, err := (lines{h}).Write([]byte("one line\n")); n != 9 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if got := <-h.lines; got != "one line" {
		t.Errorf("got %q", got)
	}
}
