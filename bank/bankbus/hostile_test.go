package bankbus_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"sotto/bank/bankbus"
	"sotto/bankapi/subject"
)

// Whoever is not a phone of this bank with its own key hears one and the same
// refusal.
func TestLoginIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	known := s.enrol(t, "ph_1")
	kicked := s.enrol(t, "ph_kicked")
	s.bus.Kick("ph_kicked")
	revoked := s.enrol(t, "ph_revoked")
	s.revoked = "ph_revoked"
	wild := s.enrol(t, "*") // a phone book gone wrong must not open the bus
	text, err := nkeys.EncodeSeed(nkeys.PrefixByteUser, known.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	key, err := nkeys.FromSeed(text)
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}

	if nc, _, err := s.stranger(known); err != nil {
		t.Fatalf("the test's own way in is broken: %v", err)
	} else {
		nc.Close()
	}
	for _, c := range []struct {
		name string
		seed [32]byte
		more []nats.Option
	}{
		{"unknown key", [32]byte(newSeed().Reveal()), nil},
		{"revoked", [32]byte(revoked.Reveal()), nil},
		{"kicked", [32]byte(kicked.Reveal()), nil},
		{"id that is a wildcard", [32]byte(wild.Reveal()), nil},
		{"another's signature", [32]byte{}, []nats.Option{nats.Nkey(public, other.Sign)}},
		{"signature over another nonce", [32]byte{}, []nats.Option{nats.Nkey(public, func([]byte) ([]byte, error) { return key.Sign([]byte("yesterday's nonce")) })}},
		{"no signature to speak of", [32]byte{}, []nats.Option{nats.Nkey(public, func([]byte) ([]byte, error) { return nil, nil })}},
		{"user and password", [32]byte{}, []nats.Option{noKey, nats.UserInfo("ph_1", "x")}},
		{"token", [32]byte{}, []nats.Option{noKey, nats.Token(public)}},
		{"nothing", [32]byte{}, []nats.Option{noKey}},
	} {
		t.Run(c.name, func(t *testing.T) {
			nc, _, err := s.stranger(secretOf(c.seed), c.more...)
			if err == nil {
				nc.Close()
			}
			if !errors.Is(err, nats.ErrAuthorization) {
				t.Errorf("got %v, want %v", err, nats.ErrAuthorization)
			}
		})
	}
}

// The phone book's failure lets nobody in, and everybody once it is over.
func TestLoginWhileThePhoneBookIsDown(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	seed := s.enrol(t, "ph_1")
	s.down = errDown
	if _, _, err := s.stranger(seed); !errors.Is(err, nats.ErrAuthorization) {
		t.Fatalf("got %v", err)
	}
	phone := s.dial(t, "ph_1", seed, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := phone.Ready(ctx); err == nil {
		t.Error("ready without a login")
	}
	s.mu.Lock()
	s.down = nil
	s.mu.Unlock()
	if err := phone.Ready(soon(t)); err != nil {
		t.Error(err)
	}
}

// A phone reads and writes nothing but its own subjects.
func TestSubjectsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	nc, complaints, err := s.stranger(s.enrol(t, "ph_1"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	heard := make(chan *nats.Msg, 100)
	refused := func(t *testing.T, what string) {
		t.Helper()
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-complaints:
			if !strings.Contains(strings.ToLower(err.Error()), "permissions violation") {
				t.Errorf("%s: got %v", what, err)
			}
		case <-time.After(patience):
			t.Errorf("%s was not refused", what)
		}
	}
	for _, to := range []string{
		">", "*", "phone.>", "phone.*.in", subject.In("ph_2"), subject.Box("ph_2") + ".>", "bank.>", subject.AllOut,
		subject.AllAck, subject.Out("ph_1"), "$SYS.>", "$SYS.REQ.USER.AUTH", "_INBOX.>", "$JS.>",
	} {
		sub, err := nc.ChanSubscribe(to, heard)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, "subscribing "+to)
		_ = sub.Unsubscribe()
	}
	for _, to := range []string{
		subject.In("ph_1"), subject.In("ph_2"), subject.Box("ph_1") + ".x", subject.Out("ph_2"), subject.Pending("ph_2"),
		subject.Ack("ph_2", "dsp_1"), "bank.ph_1.other", subject.Ack("ph_1", "a") + ".b",
		"$SYS.REQ.USER.AUTH", "$SYS.REQ.SERVER.PING", "x",
	} {
		if err := nc.Publish(to, []byte("mischief")); err != nil {
			t.Fatal(err)
		}
		refused(t, "publishing on "+to)
	}
	if err := s.bus.Send("ph_2", "dsp_1", []byte("for another")); err != nil {
		t.Fatal(err)
	}
	// What is allowed still works, and comes after all that was not.
	box := subject.Box("ph_1") + ".x"
	answers, err := nc.SubscribeSync(box)
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.PublishRequest(subject.Out("ph_1"), box, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := answers.NextMsg(patience); err != nil {
		t.Fatal(err)
	}
	if len(heard) != 0 {
		t.Errorf("heard %q", (<-heard).Data)
	}
	if s.hasHeard("ph_2", "mischief") || s.hasArrived("ph_2", "dsp_1") {
		t.Error("a phone spoke for another")
	}
}

// The bank publishes answers with its own rights: it must not be talked into
// writing on another phone's subjects.
func TestAnswerGoesOnlyToTheOwnBox(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	victim := make(chan string, 10)
	s.dialReady(t, "ph_2", s.enrol(t, "ph_2"), func(dispatch string, body []byte) { victim <- dispatch })
	nc, _, err := s.stranger(s.enrol(t, "ph_1"), nats.CustomInboxPrefix(subject.Box("ph_1")))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, reply := range []string{subject.In("ph_2"), subject.In("ph_1"), subject.Box("ph_2") + ".x", "$SYS.REQ.SERVER.PING", "bank.ph_2.out"} {
		for _, to := range []string{subject.Out("ph_1"), subject.Pending("ph_1")} {
			if err := nc.PublishRequest(to, reply, []byte("forged")); err != nil {
				t.Fatal(err)
			}
		}
	}
	// An honest request through the same subscription, after the others.
	if answer, err := nc.Request(subject.Out("ph_1"), []byte("honest"), patience); err != nil || string(answer.Data) != "re: honest" {
		t.Fatalf("got %v, %v", answer, err)
	}
	if s.hasHeard("ph_1", "forged") || s.hasHeard("ph_2", "re: forged") || len(victim) != 0 {
		t.Error("the desk handled a request that could not be answered")
	}
}

func TestOversizePayloadEndsTheSession(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.enrol(t, "ph_1")
	// By hand: the client library would not send it.
	nc, _, err := s.stranger(s.enrol(t, "ph_1"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if got, want := nc.MaxPayload(), int64(bankbus.PayloadMax); got != want {
		t.Errorf("the server names a limit of %d, want %d", got, want)
	}
	raw, err := tls.Dial("tcp", strings.TrimPrefix(s.bus.URL(), "tls://"), s.trust())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	// Before the login, nothing but CONNECT is taken, and little of that.
	if _, err := fmt.Fprintf(raw, "PUB bank.ph_1.out %d\r\n", 10<<20); err != nil {
		t.Fatal(err)
	}
	if said := readAll(raw); !strings.Contains(said, "-ERR") {
		t.Errorf("got %q", said)
	}
	if err := s.bus.Send("ph_1", "dsp_1", make([]byte, bankbus.PayloadMax+1)); !errors.Is(err, bankbus.ErrDispatch) {
		t.Errorf("Send: got %v", err)
	}
}

func TestTooManySubscriptions(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	nc, complaints, err := s.stranger(s.enrol(t, "ph_1"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for i := range 40 {
		if _, err := nc.SubscribeSync(fmt.Sprintf("%s.%d", subject.Box("ph_1"), i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	for range 40 - 16 {
		select {
		case err := <-complaints:
			if !errors.Is(err, nats.ErrMaxSubscriptionsExceeded) {
				t.Fatalf("got %v", err)
			}
		case <-time.After(patience):
			t.Fatal("a subscription above the limit was taken")
		}
	}
}

func TestKickAndReadmit(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	phone := s.dialReady(t, "ph_1", s.enrol(t, "ph_1"), nil)
	other := s.dialReady(t, "ph_2", s.enrol(t, "ph_2"), nil)
	eventually(t, "the session is known", func() bool { return s.bus.Connected("ph_1") })
	s.bus.Kick("ph_1")
	eventually(t, "the phone is out", func() bool { return !phone.Connected() && !s.bus.Connected("ph_1") })
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := phone.Send(ctx, []byte("let me in")); err == nil || s.hasHeard("ph_1", "let me in") {
		t.Error("a kicked phone was heard")
	}
	if !other.Connected() {
		t.Error("another phone was kicked too")
	}
	s.bus.Readmit("ph_1")
	if _, err := phone.Send(soon(t), []byte("again")); err != nil {
		t.Error(err)
	}
}

func TestFloodEndsTheSession(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *bankbus.Config) { c.RatePhoneMax = 50 })
	nc, _, err := s.stranger(s.enrol(t, "ph_1"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	eventually(t, "the session is known", func() bool { return s.bus.Connected("ph_1") })
	for range 200 {
		if nc.Publish(subject.Ack("ph_1", "dsp_1"), nil) != nil {
			break
		}
	}
	eventually(t, "the session ends", nc.IsClosed)
	if again := s.dialReady(t, "ph_1", s.enrol(t, "ph_1"), nil); !again.Connected() {
		t.Error("the phone lost its rights")
	}
}

// One phone that keeps the desk busy hears so, and others are served.
func TestOnePhoneCannotTakeTheDesk(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	hold := make(chan struct{})
	s.receive = func(_ context.Context, phone string, _ []byte) ([]byte, error) {
		if phone == "ph_1" {
			<-hold
		}
		return []byte("ok"), nil
	}
	box := subject.Box("ph_1") + ".x"
	nc, _, err := s.stranger(s.enrol(t, "ph_1"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	defer close(hold)
	answers, err := nc.SubscribeSync(box)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := nc.PublishRequest(subject.Out("ph_1"), box, nil); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 - 8 {
		m, err := answers.NextMsg(patience)
		if err != nil || m.Header.Get(subject.Refused) != subject.Busy {
			t.Fatalf("got %v, %v", m, err)
		}
	}
	other := s.dialReady(t, "ph_2", s.enrol(t, "ph_2"), nil)
	if answer, err := other.Send(soon(t), nil); err != nil || string(answer) != "ok" {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestSessionsOfOnePhoneAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	seed := s.enrol(t, "ph_1")
	var all []*nats.Conn
	for range 6 {
		nc, _, err := s.stranger(seed)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		all = append(all, nc)
	}
	eventually(t, "the two oldest are closed", func() bool { return all[0].IsClosed() && all[1].IsClosed() })
	for i, nc := range all[2:] {
		if err := nc.Flush(); err != nil {
			t.Errorf("session %d: %v", i+2, err)
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *bankbus.Config) { c.ConnectionsMax = 2 })
	seed := s.enrol(t, "ph_1")
	for i := range 3 {
		nc, _, err := s.stranger(seed)
		if err == nil {
			defer nc.Close()
		}
		if got, want := err == nil, i < 2; got != want {
			t.Errorf("connection %d: got %v", i, err)
		}
	}
}

// A phone that reads nothing is closed, and nobody waits for it.
func TestSlowPhoneIsClosed(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	stop := &stoppable{}
	nc, _, err := s.stranger(s.enrol(t, "ph_slow"), nats.SetCustomDialer(stop))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Subscribe(subject.In("ph_slow"), func(*nats.Msg) {}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	other := s.dialReady(t, "ph_2", s.enrol(t, "ph_2"), nil)
	eventually(t, "the session is known", func() bool { return s.bus.Connected("ph_slow") })
	stop.stop()
	defer stop.goOn()
	body := make([]byte, bankbus.PayloadMax)
	eventually(t, "the slow session is closed", func() bool {
		for range 50 {
			if err := s.bus.Send("ph_slow", "dsp_1", body); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := other.Send(soon(t), nil); err != nil {
			t.Fatal(err)
		}
		return !s.bus.Connected("ph_slow")
	})
}

func TestOnlyTLS13WithOurRoot(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	address := strings.TrimPrefix(s.bus.URL(), "tls://")
	old := s.trust()
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if c, err := tls.Dial("tcp", address, old); err == nil {
		c.Close()
		t.Error("TLS 1.2 was taken")
	}
	if c, err := tls.Dial("tcp", address, s.trust()); err != nil {
		t.Errorf("TLS 1.3: %v", err)
	} else {
		c.Close()
	}

	plain, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if _, err := plain.Write([]byte("CONNECT {}\r\nPING\r\n")); err != nil {
		t.Fatal(err)
	}
	if said := readAll(plain); strings.Contains(said, "INFO") || strings.Contains(said, "PONG") {
		t.Errorf("the server speaks in clear: %q", said)
	}

	s.authority = newAuthority(t) // the phone trusts another bank
	phone := s.dial(t, "ph_1", s.enrol(t, "ph_1"), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := phone.Ready(ctx); err == nil {
		t.Error("the phone took a stranger's certificate")
	}
}

func TestSendRefusesIDsThatAreNoTokens(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for _, bad := range []string{"", "*", ">", "a.b", "a b", "a\r\nPUB x 1", strings.Repeat("x", 65)} {
		if err := s.bus.Send(bad, "dsp_1", nil); !errors.Is(err, bankbus.ErrDispatch) {
			t.Errorf("phone %q: got %v", bad, err)
		}
		if err := s.bus.Send("ph_1", bad, nil); !errors.Is(err, bankbus.ErrDispatch) {
			t.Errorf("dispatch %q: got %v", bad, err)
		}
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	certificate := newAuthority(t).TLS()
	for _, c := range []struct {
		name   string
		config bankbus.Config
		want   string
	}{
		{"no certificate", bankbus.Config{Listen: "127.0.0.1:0"}, "TLS certificate"},
		{"no address", bankbus.Config{TLS: certificate}, "host:port"},
		{"no port", bankbus.Config{Listen: "127.0.0.1", TLS: certificate}, "host:port"},
		{"port of letters", bankbus.Config{Listen: "127.0.0.1:bus", TLS: certificate}, "port number"},
		{"port too great", bankbus.Config{Listen: "127.0.0.1:65536", TLS: certificate}, "port number"},
		{"port taken", bankbus.Config{Listen: taken.Addr().String(), TLS: certificate}, "stop the program that has it"},
		{"WebSocket without port", bankbus.Config{Listen: "127.0.0.1:0", WebSocket: "x", TLS: certificate}, "host:port"},
		{"no issuer seed", bankbus.Config{Outside: &bankbus.Outside{URL: "tls://127.0.0.1:1"}}, "nk -gen account"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bus, err := bankbus.Start(t.Context(), c.config, newOffice(), newOffice())
			if err == nil {
				_ = bus.Close(soon(t))
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want it to name %q", err, c.want)
			}
		})
	}
}
