package rfid

// tag is a dynamic tag: the RF side of one, and the wired side of the card's
// processor. It is a state machine; calls come one after the other.
type tag struct {
	uid   UID
	quiet bool

	on      bool // the mailbox
	length  int
	mailbox [mailboxSizeMax]byte
	state   byte // bits of regMailbox but mailboxOn
}

// answer takes a frame from the air, with its CRC, and gives the response, with
// its own; nil is silence, as to everything that is damaged or meant for others.
func (t *tag) answer(frame []byte) []byte {
	b, intact := checked(frame)
	if !intact {
		return nil
	}
	r, ok := parseRequest(b)
	if !ok || r.flags&(flagSubcarrier|flagExtension) != 0 {
		return nil
	}
	var data []byte
	var code Code
	switch {
	case r.inventory():
		data = t.inventory(r)
		if data == nil {
			return nil
		}
	case r.flags&flagSelect != 0, r.addressed() && r.uid != t.uid, !r.addressed() && t.quiet:
		return nil
	case r.command == cmdStayQuiet:
		t.quiet = t.quiet || r.addressed() // only ever addressed, never answered
		return nil
	default:
		data, code = t.carryOut(r)
	}
	if code != 0 {
		return appendCRC([]byte{errorFlag, byte(code)})
	}
	return appendCRC(append([]byte{0}, data...))
}

// inventory answers with DSFID and UID if it is meant: in the one slot that there
// is, and with no application family asked for, for the tag has none.
func (t *tag) inventory(r request) []byte {
	m, ok := parseMask(r.params)
	if !ok || r.command != cmdInventory || r.flags&flagOneSlot == 0 || r.flags&(flagAFI|flagOption) != 0 ||
		t.quiet || !m.covers(t.uid) {
		return nil
	}
	return append([]byte{0}, t.uid[:]...)
}

func (t *tag) carryOut(r request) ([]byte, Code) {
	if r.flags&flagOption != 0 {
		return nil, CodeNoOption
	}
	switch r.command {
	case cmdResetToReady:
		t.quiet = false
		return nil, 0
	case cmdReadRegister, cmdWriteRegister:
		return t.register(r)
	case cmdWriteMessage:
		return nil, t.writeMessage(r.params)
	case cmdMessageLength:
		if !t.readable() {
			return nil, CodeUnknown
		}
		return []byte{byte(t.length - 1)}, 0
	case cmdReadMessage:
		return t.readMessage(r.params)
	}
	return nil, CodeNotSupported
}

// register reads or writes regMailbox, of which a reader may set mailboxOn.
func (t *tag) register(r request) ([]byte, Code) {
	write := r.command == cmdWriteRegister
	switch {
	case write && len(r.params) != 2, !write && len(r.params) != 1:
		return nil, CodeNotRecognized
	case r.params[0] != regMailbox:
		return nil, CodeUnknown
	case write:
		t.switchMailbox(r.params[1]&mailboxOn != 0)
		return nil, 0
	}
	return []byte{t.status()}, 0
}

func (t *tag) status() byte {
	if t.on {
		return t.state | mailboxOn
	}
	return t.state
}

// switchMailbox switches it on or off; what was in it is gone when it goes off.
func (t *tag) switchMailbox(on bool) {
	if t.on && !on {
		t.clear()
	}
	t.on = on
}

func (t *tag) clear() {
	clear(t.mailbox[:])
	t.length, t.state = 0, 0
}

// free reports whether a message can be put: none waits for anybody.
func (t *tag) free() bool { return t.on && t.state&(hostPut|readerPut) == 0 }

// readable reports whether the bytes in the mailbox are the card's. They stay
// until others come, so that a response that was lost can be asked for again.
func (t *tag) readable() bool { return t.on && t.state&hostCurrent != 0 }

func (t *tag) writeMessage(params []byte) Code {
	switch {
	case len(params) < 2 || len(params) != 2+int(params[0]):
		return CodeNotRecognized
	case !t.free():
		return CodeUnknown
	}
	t.length = copy(t.mailbox[:], params[1:])
	t.state = readerPut | readerCurrent
	return 0
}

// readMessage gives count+1 bytes from a position on, or, as 0 and 0, all.
func (t *tag) readMessage(params []byte) ([]byte, Code) {
	if len(params) != 2 {
		return nil, CodeNotRecognized
	}
	from, to := int(params[0]), int(params[0])+int(params[1])+1
	if params[0] == 0 && params[1] == 0 {
		to = t.length
	}
	if !t.readable() || to > t.length {
		return nil, CodeUnknown
	}
	if to == t.length {
		t.state &^= hostPut
	}
	return t.mailbox[from:to], 0
}

// take is the wired side: the reader's message, if one waits. It aliases the
// mailbox.
func (t *tag) take() ([]byte, bool) {
	if t.state&readerPut == 0 {
		return nil, false
	}
	t.state &^= readerPut
	return t.mailbox[:t.length], true
}

// put is the wired side: a message for the reader, of 1 to 256 bytes, into a
// mailbox that is free.
func (t *tag) put(b []byte) {
	t.length = copy(t.mailbox[:], b)
	t.state = hostPut | hostCurrent
}
