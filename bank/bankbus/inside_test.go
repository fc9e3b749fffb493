package bankbus

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestGateBoundsHandlers(t *testing.T) {
	g := newGate(3, 2)
	hold := make(chan struct{})
	var running atomic.Int32
	handler := func() { running.Add(1); <-hold }
	for _, c := range []struct {
		phone string
		want  bool
	}{{"a", true}, {"a", true}, {"a", false}, {"b", true}} {
		if got := g.run(c.phone, handler); got != c.want {
			t.Fatalf("phone %s: got %v", c.phone, got)
		}
	}
	fourth := make(chan struct{})
	go func() {
		g.run("c", handler)
		close(fourth)
	}()
	select {
	case <-fourth:
		t.Fatal("a fourth handler was let in")
	case <-time.After(20 * time.Millisecond):
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.wait(ended); err == nil {
		t.Error("wait did not wait")
	}
	close(hold)
	<-fourth
	if err := g.wait(t.Context()); err != nil || running.Load() != 4 || len(g.inFlight) != 0 || len(g.slots) != 0 {
		t.Errorf("got %v, %d ran, %d in flight, %d slots taken", err, running.Load(), len(g.inFlight), len(g.slots))
	}
}

func TestPace(t *testing.T) {
	now := time.Unix(1000, 0)
	p := newPace(2, func() time.Time { return now })
	for i, c := range []struct {
		phone string
		later time.Duration
		want  verdict
	}{
		{"a", 0, fine}, {"a", 0, fine}, {"a", 0, evict}, {"a", 0, ignore}, {"b", 0, fine},
		{"a", 999 * time.Millisecond, ignore}, {"a", time.Millisecond, fine},
		{"a", -time.Hour, fine}, // the clock was set back
		{"a", 0, fine}, {"a", 0, evict},
	} {
		now = now.Add(c.later)
		if got := p.judge(c.phone); got != c.want {
			t.Errorf("step %d: got %v, want %v", i, got, c.want)
		}
	}
}

func TestServerLogIsBoundedAndWithoutTraces(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1000, 0)
	l := newServerLog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), func() time.Time { return now })
	l.Debugf("secret %s", "x")
	l.Tracef("secret %s", "x")
	for range 50 {
		l.Errorf("a stranger at %s", "the door")
	}
	l.Fatalf("broken")
	now = now.Add(time.Second)
	l.Noticef("ready")
	got := out.String()
	for want, n := range map[string]int{
		"secret": 0, "level=WARN msg=\"bus server: a stranger at the door\"": 20, "level=ERROR": 1, "count=31": 1, "level=DEBUG": 1,
	} {
		if strings.Count(got, want) != n {
			t.Errorf("%q: got %d times, want %d", want, strings.Count(got, want), n)
		}
	}
}
