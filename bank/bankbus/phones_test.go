package bankbus_test

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"sotto/bank/bankbus"
	"sotto/bankapi/client"
)

func TestDispatchArrivesAndIsAcknowledged(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	got := make(chan string, 10)
	s.dialReady(t, "ph_1", s.enrol(t, "ph_1"), func(dispatch string, body []byte) { got <- dispatch + "=" + string(body) })
	if err := s.bus.Send("ph_1", "dsp_1", []byte("sealed")); err != nil {
		t.Fatal(err)
	}
	if got, want := next(t, got), "dsp_1=sealed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	eventually(t, "dsp_1 is acknowledged", func() bool { return s.hasArrived("ph_1", "dsp_1") })
}

func TestPhoneAsksForWhatWaits(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	seed := s.enrol(t, "ph_1")
	s.put("ph_1", "dsp_1", []byte("one"))
	s.put("ph_1", "dsp_2", []byte("two"))
	s.put("ph_2", "dsp_3", []byte("of another phone"))
	got := make(chan string, 10)
	s.dialReady(t, "ph_1", seed, func(dispatch string, body []byte) { got <- dispatch + "=" + string(body) })
	for _, want := range []string{"dsp_1=one", "dsp_2=two"} {
		if got := next(t, got); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	eventually(t, "both are acknowledged", func() bool { return s.hasArrived("ph_1", "dsp_1") && s.hasArrived("ph_1", "dsp_2") })
	if len(got) != 0 {
		t.Errorf("more came: %q", <-got)
	}
}

func TestSendIsAnswered(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	phone := s.dialReady(t, "ph_1", s.enrol(t, "ph_1"), nil)
	greatest := strings.Repeat("x", bankbus.PayloadMax-4) // the answer is four bytes longer
	for _, body := range []string{"receipt", "", greatest} {
		answer, err := phone.Send(soon(t), []byte(body))
		if want := "re: " + body; err != nil || string(answer) != want {
			t.Errorf("%d bytes: got %d, %v", len(body), len(answer), err)
		}
	}
	if _, err := phone.Send(soon(t), make([]byte, bankbus.PayloadMax+1)); !errors.Is(err, client.ErrBusBody) {
		t.Errorf("oversize: got %v", err)
	}
}

// A desk that fails is asked again, until ctx ends.
func TestSendTriesAgain(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	phone := s.dialReady(t, "ph_1", s.enrol(t, "ph_1"), nil)
	var mu sync.Mutex
	tries := 0
	s.receive = func(context.Context, string, []byte) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		if tries++; tries < 4 {
			return nil, errDown
		}
		return []byte("now"), nil
	}
	answer, err := phone.Send(soon(t), []byte("receipt"))
	if err != nil || string(answer) != "now" || tries != 4 {
		t.Errorf("got %q, %v after %d tries", answer, err, tries)
	}
	s.mu.Lock()
	s.receive = func(context.Context, string, []byte) ([]byte, error) { return nil, errDown }
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := phone.Send(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// The bank dies and comes back on the same port while dispatches go on. None
// is lost: what a phone has not acknowledged waits for it. Some may come twice.
func TestRestartLosesNothing(t *testing.T) {
	t.Parallel()
	address := freePort(t)
	s := open(t, func(c *bankbus.Config) { c.Listen = address })
	seed := s.enrol(t, "ph_1")
	var mu sync.Mutex
	got := map[string]int{}
	phone := s.dialReady(t, "ph_1", seed, func(dispatch string, body []byte) {
		mu.Lock()
		defer mu.Unlock()
		got[dispatch]++
	})
	const each = 300
	send := func(from int) {
		for i := range each {
			s.put("ph_1", id(from+i), []byte("x")) // the outbox first
			_ = s.bus.Send("ph_1", id(from+i), []byte("x"))
		}
	}
	send(0)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = s.bus.Close(ended) // at once, with messages on their way
	for i := range each {  // committed while nobody listens
		s.put("ph_1", id(each+i), []byte("x"))
	}
	s.start(t)
	send(2 * each)

	eventually(t, "every dispatch is acknowledged", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.waiting["ph_1"]) == 0
	})
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 3*each {
		t.Errorf("got %d dispatches, want %d", len(got), 3*each)
	}
	if !phone.Connected() {
		t.Error("the phone is not connected")
	}
}

// An acknowledgement that never reached the desk brings the dispatch again,
// under the same id.
func TestDuplicateHasTheSameID(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	seed := s.enrol(t, "ph_1")
	got := make(chan string, 10)
	s.dialReady(t, "ph_1", seed, func(dispatch string, _ []byte) { got <- dispatch })
	for range 2 {
		if err := s.bus.Send("ph_1", "dsp_1", nil); err != nil {
			t.Fatal(err)
		}
		if got := next(t, got); got != "dsp_1" {
			t.Errorf("got %q", got)
		}
	}
}

// A handler that does not take a dispatch leaves it waiting.
func TestRefusedDispatchIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	seed := s.enrol(t, "ph_1")
	seen := make(chan string, 10)
	phone, err := client.Dial(t.Context(), client.BusConfig{
		URL: s.bus.URL(), CAPEM: s.authority.PEM(), Seed: seed, PhoneID: "ph_1",
		OnDispatch: func(_ context.Context, dispatch string, _ []byte) error {
			seen <- dispatch
			if dispatch == "dsp_full" {
				return errors.New("no room")
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	if err := phone.Ready(soon(t)); err != nil {
		t.Fatal(err)
	}
	for _, dispatch := range []string{"dsp_full", "dsp_taken"} {
		if err := s.bus.Send("ph_1", dispatch, nil); err != nil {
			t.Fatal(err)
		}
		next(t, seen)
	}
	eventually(t, "the second is acknowledged", func() bool { return s.hasArrived("ph_1", "dsp_taken") })
	if s.hasArrived("ph_1", "dsp_full") {
		t.Error("the first was acknowledged too")
	}
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *bankbus.Config) { c.WebSocket = "127.0.0.1:0" })
	if u, err := url.Parse(s.bus.WebSocketURL()); err != nil || u.Scheme != "wss" {
		t.Fatalf("got %q, %v", s.bus.WebSocketURL(), err)
	}
	phone, err := client.Dial(t.Context(), client.BusConfig{
		URL: s.bus.WebSocketURL(), CAPEM: s.authority.PEM(), Seed: s.enrol(t, "ph_1"), PhoneID: "ph_1",
		OnDispatch: func(context.Context, string, []byte) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	body := bytes.Repeat([]byte{7}, 5000)
	if answer, err := phone.Send(soon(t), body); err != nil || len(answer) != 5004 {
		t.Errorf("got %d bytes, %v", len(answer), err)
	}
}

// Close lets the desk finish what it has, and the phone hears the answer.
func TestCloseWaitsForTheDesk(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	phone := s.dialReady(t, "ph_1", s.enrol(t, "ph_1"), nil)
	begun, finish := make(chan struct{}), make(chan struct{})
	s.receive = func(context.Context, string, []byte) ([]byte, error) {
		close(begun)
		<-finish
		return []byte("done"), nil
	}
	answers := make(chan string, 1)
	go func() {
		answer, err := phone.Send(soon(t), []byte("receipt"))
		answers <- string(answer)
		if err != nil {
			t.Error(err)
		}
	}()
	next(t, begun)
	closed := make(chan error, 1)
	go func() { closed <- s.bus.Close(soon(t)) }()
	select {
	case err := <-closed:
		t.Fatalf("Close did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	if got := next(t, answers); got != "done" {
		t.Errorf("got %q", got)
	}
	if err := next(t, closed); err != nil {
		t.Error(err)
	}
}

func TestPhonesAreCounted(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	one := s.dialReady(t, "ph_1", s.enrol(t, "ph_1"), nil)
	s.dialReady(t, "ph_2", s.enrol(t, "ph_2"), nil)
	eventually(t, "two phones", func() bool { return s.bus.Phones() == 2 && s.bus.Connected("ph_1") })
	one.Close()
	eventually(t, "one phone", func() bool { return s.bus.Phones() == 1 && !s.bus.Connected("ph_1") })
}

// A session ends by itself; the phone logs in again and goes on.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *bankbus.Config) { c.SessionMax = 2 * time.Second })
	phone := s.dialReady(t, "ph_1", s.enrol(t, "ph_1"), nil)
	eventually(t, "the session ends", func() bool { return !phone.Connected() })
	eventually(t, "the phone is back", phone.Connected)
}
