package apdu

// Status is the SW1-SW2 trailer of a response (ISO/IEC 7816-4:2020, 5.6). It is
// an error, so that a caller who wanted a 9000 can return it as it is; errors.Is
// then finds it. Whoever asks for nil on success wants Err.
type Status uint16

// The status words that cards of this house answer.
const (
	StatusOK                Status = 0x9000
	StatusFileInvalidated   Status = 0x6283 // the selected application is blocked
	StatusRefused           Status = 0x6300 // authentication failed
	StatusMemoryFailure     Status = 0x6581
	StatusWrongLength       Status = 0x6700
	StatusNoChannel         Status = 0x6881
	StatusNoSecureMessaging Status = 0x6882
	StatusLastExpected      Status = 0x6883 // a chain was left open
	StatusNoChaining        Status = 0x6884
	StatusSecurity          Status = 0x6982
	StatusBlocked           Status = 0x6983 // authentication method blocked
	StatusDataInvalidated   Status = 0x6984
	StatusConditions        Status = 0x6985 // conditions of use not satisfied
	StatusNotAllowed        Status = 0x6986 // no current application
	StatusNoMAC             Status = 0x6987 // secure messaging objects missing
	StatusWrongMAC          Status = 0x6988 // secure messaging objects incorrect
	StatusWrongData         Status = 0x6A80
	StatusNotSupported      Status = 0x6A81
	StatusNotFound          Status = 0x6A82 // file or application
	StatusNoRecord          Status = 0x6A83
	StatusNoSpace           Status = 0x6A84
	StatusWrongP1P2         Status = 0x6A86
	StatusNoData            Status = 0x6A88 // referenced data not found
	StatusExists            Status = 0x6A89
	StatusNameExists        Status = 0x6A8A // of an application
	StatusWrongReference    Status = 0x6B00
	StatusWrongINS          Status = 0x6D00
	StatusWrongCLA          Status = 0x6E00
	StatusUnknown           Status = 0x6F00 // no precise diagnosis
)

// Remaining is 61xx: n more bytes wait for GET RESPONSE, 256 or more are 6100.
func Remaining(n int) Status { return 0x6100 | Status(counted(n)) }

// RetryWith is 6Cxx: the same command again, with this Ne; 256 is 6C00.
func RetryWith(ne int) Status { return 0x6C00 | Status(counted(ne)) }

// Tries is 63Cx: so many tries are left, 15 at most can be said.
func Tries(left int) Status { return 0x63C0 | Status(max(0, min(left, 15))) }

// counted writes 1 to 255 as itself and 256 and more as zero.
func counted(n int) byte {
	if n >= NeMaxShort {
		return 0
	}
	return byte(max(n, 1))
}

// Valid reports whether s can be a status: 61xx to 6Fxx or 9xxx.
func (s Status) Valid() bool {
	return s >= 0x6100 && s <= 0x6FFF || s&0xF000 == 0x9000
}

// OK reports plain success, 9000.
func (s Status) OK() bool { return s == StatusOK }

// Err is nil if s is 9000, else s itself.
func (s Status) Err() error {
	if s.OK() {
		return nil
	}
	return s
}

// Warning reports whether the command was carried out with a remark (62xx,
// 63xx).
func (s Status) Warning() bool { return s >= 0x6200 && s <= 0x63FF }

// TriesLeft reports the counter in a 63Cx warning.
func (s Status) TriesLeft() (n int, ok bool) { return int(s & 0xF), s&0xFFF0 == 0x63C0 }

// BytesLeft reports how many bytes wait after 61xx. 6100 says 256: so many or
// more.
func (s Status) BytesLeft() (n int, ok bool) {
	if s&0xFF00 != 0x6100 {
		return 0, false
	}
	return expected(int(s&0xFF), NeMaxShort), true
}

// WrongLe reports the Ne with which a command that was answered 6Cxx is to be
// sent again.
func (s Status) WrongLe() (ne int, ok bool) {
	if s&0xFF00 != 0x6C00 {
		return 0, false
	}
	return expected(int(s&0xFF), NeMaxShort), true
}
