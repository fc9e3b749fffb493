package bankhttp

import (
	"net/http"
	"time"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

// Times of a stream.
const (
	lookEvery   = 2 * time.Second // for what other processes have committed
	beatEvery   = 15 * time.Second
	streamMax   = 15 * time.Minute // longer than any payment awaits its code
	streamWrite = 10 * time.Second
)

// payEvents tells the page that there is something new (server-sent events).
// An event is the payment's state in a line; the page then asks for itself
// again, so that all its texts come from one place. Where there are too many
// streams the page does without.
func (c *call) payEvents() reply {
	id := c.r.PathValue("id")
	if _, err := ident.Parse(ident.Payment, id); err != nil {
		return replyOf(c.readFailed(bank.ErrNoRow), 0)
	}
	changed, end, ok := c.h.c.Hub.watch(id)
	if !ok {
		return replyOf(refuse(bankapi.Busy, "reload the page to see where the payment stands"), 0)
	}
	defer end()
	p, err := c.store().Payment(c.ctx(), id)
	if err != nil {
		return replyOf(c.readFailed(err), 0)
	}
	s := stream{c: c, out: http.NewResponseController(c.w)}
	s.begin()
	s.follow(p, changed)
	return reply{status: http.StatusOK, sent: true}
}

type stream struct {
	c    *call
	out  *http.ResponseController
	told string
}

func (s *stream) begin() {
	s.c.secure(apiHeaders)
	h := s.c.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")       // proxies would hold events back
	_ = s.out.SetReadDeadline(time.Time{}) // the request has been read
	_ = s.out.SetWriteDeadline(time.Now().Add(streamWrite))
	s.c.w.WriteHeader(http.StatusOK)
}

// follow writes until the payment has ended, the reader is gone, the hub is
// closed or the time is over.
func (s *stream) follow(p bank.Payment, changed <-chan struct{}) {
	look, beat := time.NewTicker(lookEvery), time.NewTicker(beatEvery)
	defer look.Stop()
	defer beat.Stop()
	over := time.After(streamMax)
	for s.tell(p) {
		select {
		case <-s.c.ctx().Done():
			return
		case <-over:
			return
		case <-beat.C:
			if !s.write(": still here\n\n") {
				return
			}
		case <-look.C:
		case _, open := <-changed:
			if !open {
				return
			}
		}
		var err error
		if p, err = s.c.store().Payment(s.c.ctx(), p.ID); err != nil {
			return
		}
	}
}

// tell writes the state if it is new. It is false when that was the last.
func (s *stream) tell(p bank.Payment) bool {
	v := s.c.h.paymentView(&p)
	state := stateOf(v)
	if state != s.told && !s.write("data: "+state+"\n\n") {
		return false
	}
	s.told = state
	return v.Status == bankapi.AwaitingCode
}

func (s *stream) write(text string) bool {
	if err := s.out.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return false
	}
	if _, err := s.c.w.Write([]byte(text)); err != nil {
		return false
	}
	return s.out.Flush() == nil
}
