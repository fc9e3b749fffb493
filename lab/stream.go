package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	heartbeat = 20 * time.Second
	breath    = 30 * time.Millisecond // between two states: packets come faster than eyes
)

// events sends the state now and after every change (Server-Sent Events). A
// reader who is slow gets the newest state and none of those between: the
// timeline in it is whole.
func (l *Lab) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var last []byte
	for {
		changed := l.news.after()
		s := l.State()
		look := s.Look
		s.Look = 0 // another look alone is no change
		body, err := json.Marshal(s)
		if err != nil {
			return
		}
		if !bytes.Equal(body, last) {
			last = body
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", look, body); err != nil || flush.Flush() != nil {
				return
			}
		}
		if wait(r.Context(), breath) != nil {
			return
		}
		select {
		case <-changed:
		case <-beat.C:
			if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil || flush.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-l.ctx.Done():
			return
		}
	}
}
