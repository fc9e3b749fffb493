package ble

import "context"

// Central is a phone's Bluetooth. It is safe for concurrent use.
type Central interface {
	// Find listens for cards until one is wanted, and gives its address. The
	// address means something to this Central alone, and wanted must not wait.
	Find(ctx context.Context, wanted func(address string, h Hint) bool) (address string, err error)
	// Connect connects, and finds the service with its characteristics.
	Connect(ctx context.Context, address string) (Conn, error)
}

// Conn is a connection to a card. One goroutine at a time uses it.
type Conn interface {
	// Info reads the characteristic of this name, Knock writes it.
	Info(ctx context.Context) ([]byte, error)
	Knock(ctx context.Context, proof []byte) error
	// Pair encrypts the connection by LE Secure Connections, if both sides can.
	Pair(ctx context.Context) error
	// Write brings a frame to the card and returns when it is there.
	Write(ctx context.Context, frame []byte) error
	// Frames are what the card sends. The channel is closed when the connection
	// has ended.
	Frames() <-chan []byte
	// FrameSize is the largest frame that this connection carries, in bytes.
	FrameSize() int
	// Close hangs up. It may be called more than once.
	Close()
}

// Peripheral is a card's Bluetooth.
type Peripheral interface {
	// Start offers the service to whoever connects, and tells visits what they
	// do. What ctx ends is the start, not the session.
	Start(ctx context.Context, v Visits) (Session, error)
}

// Session is a Peripheral at work, until Close or until the stack fails.
type Session interface {
	// Advertise makes the card found by this hint, in the place of another.
	Advertise(ctx context.Context, h Hint) error
	// Send indicates a frame to every phone that listens: what is meant for one
	// phone is of no meaning to the others. It keeps nothing of it.
	Send(frame []byte) error
	// HangUp ends a phone's connection. It does not wait.
	HangUp(phone string)
	// Failed is closed when the session has ended by itself; Err tells why.
	Failed() <-chan struct{}
	Err() error
	// Close ends the session. Nobody can connect any more.
	Close()
}

// Visits is what a Session tells of the phones. A phone is known by the stack's
// name for its connection. Calls may come from several goroutines, and return at
// once; what an error says becomes what the phone is told.
type Visits interface {
	Came(phone string)
	Gone(phone string)
	// ReadInfo and WriteInfo are about the characteristic Info.
	ReadInfo(phone string) ([]byte, error)
	WriteInfo(phone string, value []byte) error
	// WriteMessage is about the characteristic Message. The frame is the
	// callee's, and size the largest that this phone can be sent.
	WriteMessage(phone string, size int, frame []byte) error
	// MayPair reports whether this phone may have an encrypted link.
	MayPair(phone string) bool
}
