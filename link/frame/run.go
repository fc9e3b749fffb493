package frame

import "time"

// Pipe is a link that carries frames, on the phone's side.
type Pipe interface {
	// Now is the time.
	Now() time.Time
	// Send hands a frame of at most Config.Size bytes to the link. It keeps
	// nothing of it. An error ends the exchange.
	Send(frame []byte) error
	// Receive waits for a frame, at most until then: no frame and no error. The
	// frame is the Pipe's until the next call. An error ends the exchange.
	Receive(until time.Time) (frame []byte, err error)
}

// Run carries the exchange out. When the pipe breaks, the error is that of the
// pipe, and Unheard tells what is true of the message. The answer aliases the
// Sender's buffer.
func (s *Sender) Run(p Pipe) ([]byte, error) {
	buffer := make([]byte, 0, s.c.Size)
	for {
		frame, more := s.Next(p.Now(), buffer)
		if more {
			if err := p.Send(frame); err != nil {
				return nil, err
			}
			s.Sent(p.Now())
			continue
		}
		if s.Over() {
			return s.Answer()
		}
		heard, err := p.Receive(s.Due())
		if err != nil {
			return nil, err
		}
		if heard != nil {
			s.Receive(p.Now(), heard)
		}
	}
}
