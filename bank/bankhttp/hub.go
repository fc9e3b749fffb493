package bankhttp

import (
	"strings"
	"sync"

	"sotto/bank"
)

// Bounds of a hub.
const (
	flightsMax       = 1 << 16 // dispatches remembered; the oldest is forgotten
	watchersMax      = 4096
	watchersEachMax  = 8 // of one payment
	eventsCountedMax = 256
)

// Hub knows what has just happened: which codes have reached their phones, and
// who is watching which payment. All of it is a hint. A hub forgets when it is
// full or the process ends, and it hears of no other process; whoever must know
// asks the store.
type Hub struct {
	mu       sync.Mutex
	closed   bool
	flights  map[string]*flight // by dispatch
	latest   map[string]*flight // by subject: payment or binding
	order    []*flight          // a ring, oldest at next
	next     int
	watching int
	watchers map[string]map[*watcher]struct{} // by payment
	counts   map[string]int64                 // events, by type
}

// flight is one dispatch under way.
type flight struct {
	dispatch, subject string
	arrived           bool
}

// watcher is told that something has changed, not what.
type watcher struct{ changed chan struct{} }

// NewHub makes a hub. Its Committed belongs into bank.Config.Committed.
func NewHub() *Hub {
	return &Hub{
		flights: map[string]*flight{}, latest: map[string]*flight{},
		watchers: map[string]map[*watcher]struct{}{}, counts: map[string]int64{},
	}
}

// Committed takes note of a batch. It does not block.
func (h *Hub) Committed(c bank.Committed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range c.Dispatches {
		h.launch(c.Dispatches[i].ID, c.Dispatches[i].Subject)
	}
	for i := range c.Events {
		e := &c.Events[i]
		if _, ok := h.counts[e.Type]; ok || len(h.counts) < eventsCountedMax {
			h.counts[e.Type]++
		}
		if landed(e.Type) {
			h.land(h.latest[e.Object])
		}
		h.nudge(e.Object)
	}
}

// landed reports whether an event ends a code's flight.
func landed(kind string) bool {
	switch kind {
	case "payment.created", "payment.code_resent", "payment.wrong_code", "binding.created":
		return false
	}
	return strings.HasPrefix(kind, "payment.") || strings.HasPrefix(kind, "binding.")
}

func (h *Hub) launch(dispatch, subject string) {
	h.land(h.latest[subject])
	f := &flight{dispatch: dispatch, subject: subject}
	h.flights[dispatch], h.latest[subject] = f, f
	if len(h.order) < flightsMax {
		h.order = append(h.order, f)
		return
	}
	h.land(h.order[h.next])
	h.order[h.next] = f
	h.next = (h.next + 1) % flightsMax
}

// land forgets a flight; its place in the ring is freed in its turn.
func (h *Hub) land(f *flight) {
	if f == nil {
		return
	}
	delete(h.flights, f.dispatch)
	if h.latest[f.subject] == f {
		delete(h.latest, f.subject)
	}
}

// Arrived takes note that a phone has a dispatch. Anyone on the bus may name
// any id here: one that is not known does nothing.
func (h *Hub) Arrived(dispatchID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f := h.flights[dispatchID]; f != nil && !f.arrived {
		f.arrived = true
		h.nudge(f.subject)
	}
}

// onPhone reports whether the latest code of a payment or binding has reached
// its phone.
func (h *Hub) onPhone(subject string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.latest[subject]
	return f != nil && f.arrived
}

func (h *Hub) nudge(subject string) {
	for w := range h.watchers[subject] {
		select {
		case w.changed <- struct{}{}:
		default: // it has not yet looked since the last time
		}
	}
}

// watch subscribes to a payment. The channel is closed when the hub is; ok is
// false when there are too many watchers.
func (h *Hub) watch(payment string) (changed <-chan struct{}, end func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.watching >= watchersMax || len(h.watchers[payment]) >= watchersEachMax {
		return nil, nil, false
	}
	w := &watcher{changed: make(chan struct{}, 1)}
	if h.watchers[payment] == nil {
		h.watchers[payment] = map[*watcher]struct{}{}
	}
	h.watchers[payment][w] = struct{}{}
	h.watching++
	return w.changed, func() { h.leave(payment, w) }, true
}

func (h *Hub) leave(payment string, w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.watchers[payment][w]; !ok {
		return
	}
	delete(h.watchers[payment], w)
	h.watching--
	if len(h.watchers[payment]) == 0 {
		delete(h.watchers, payment)
	}
}

// Close ends all watching, so that a server can shut down.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for payment, all := range h.watchers {
		for w := range all {
			close(w.changed)
			h.watching--
		}
		delete(h.watchers, payment)
	}
}

// tally is for metrics.
func (h *Hub) tally() (counts map[string]int64, watching int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	counts = make(map[string]int64, len(h.counts))
	for k, n := range h.counts {
		counts[k] = n
	}
	return counts, h.watching
}
