package rfid

import "bytes"

// Listener tells what the frames in a field are, for somebody who looks on. It
// follows one reader; the zero Listener begins.
type Listener struct{ asked byte }

// Heard is what a frame was.
type Heard struct {
	Command string // of the request, or of the one that is answered; empty for noise
	// Mailbox is what the frame carries from or to the mailbox; it aliases the
	// frame.
	Mailbox []byte
}

var commandNames = map[byte]string{
	cmdInventory: "Inventory", cmdStayQuiet: "Stay Quiet", cmdResetToReady: "Reset To Ready",
	cmdWriteMessage: "Write Message", cmdMessageLength: "Read Message Length", cmdReadMessage: "Read Message",
	cmdReadRegister: "Read Register", cmdWriteRegister: "Write Register",
}

// Hear takes a frame as it left its sender, with its CRC.
func (l *Listener) Hear(toTag bool, frame []byte) (h Heard) {
	b, intact := checked(frame)
	if !intact {
		return Heard{}
	}
	if !toTag {
		h.Command = commandNames[l.asked]
		if data, err := parseResponse(b); err == nil && l.asked == cmdReadMessage {
			h.Mailbox = data
		}
		return h
	}
	q, ok := parseRequest(b)
	if !ok {
		return Heard{}
	}
	l.asked = q.command
	h.Command = commandNames[q.command]
	if q.command == cmdWriteMessage && len(q.params) > 0 {
		h.Mailbox = q.params[1:]
	}
	return h
}

// Asks reports whether what is in the mailbox asks which card this is, or says it.
func (h Heard) Asks() bool { return bytes.HasPrefix(h.Mailbox, []byte{who}) }
