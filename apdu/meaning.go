package apdu

import "strconv"

// meanings of the words that stand alone (ISO/IEC 7816-4:2020, 5.6).
var meanings = map[Status]string{
	StatusOK:                "success",
	0x6281:                  "part of the returned data may be corrupted",
	0x6282:                  "end of file or record before Ne bytes",
	StatusFileInvalidated:   "selected file is invalidated",
	StatusRefused:           "authentication failed",
	0x6400:                  "execution error",
	StatusMemoryFailure:     "memory failure",
	StatusWrongLength:       "wrong length",
	StatusNoChannel:         "logical channel not supported",
	StatusNoSecureMessaging: "secure messaging not supported",
	StatusLastExpected:      "last command of the chain expected",
	StatusNoChaining:        "command chaining not supported",
	StatusSecurity:          "security status not satisfied",
	StatusBlocked:           "authentication method blocked",
	StatusDataInvalidated:   "reference data not usable",
	StatusConditions:        "conditions of use not satisfied",
	StatusNotAllowed:        "command not allowed",
	StatusNoMAC:             "secure messaging objects missing",
	StatusWrongMAC:          "secure messaging objects incorrect",
	StatusWrongData:         "incorrect parameters in the data field",
	StatusNotSupported:      "function not supported",
	StatusNotFound:          "file or application not found",
	StatusNoRecord:          "record not found",
	StatusNoSpace:           "not enough memory space",
	StatusWrongP1P2:         "incorrect parameters P1-P2",
	StatusNoData:            "referenced data not found",
	StatusExists:            "file already exists",
	StatusNameExists:        "application name already exists",
	StatusWrongReference:    "wrong parameters P1-P2",
	StatusWrongINS:          "instruction not supported",
	StatusWrongCLA:          "class not supported",
	StatusUnknown:           "no precise diagnosis",
}

// families are the meanings that SW1 has alone.
var families = map[Status]string{
	0x6200: "warning, memory unchanged",
	0x6300: "warning, memory changed",
	0x6400: "execution error, memory unchanged",
	0x6500: "execution error, memory changed",
	0x6600: "security issue",
	0x6800: "function in the class byte not supported",
	0x6900: "command not allowed",
	0x6A00: "wrong parameters",
}

// String is the word in hexadecimal and its meaning: "6985 conditions of use
// not satisfied".
func (s Status) String() string {
	const hex = "0123456789ABCDEF"
	word := string([]byte{hex[s>>12], hex[s>>8&0xF], hex[s>>4&0xF], hex[s&0xF]})
	return word + " " + s.meaning()
}

// Error says who answered, and String.
func (s Status) Error() string { return "card answered " + s.String() }

func (s Status) meaning() string {
	if text, ok := meanings[s]; ok {
		return text
	}
	if n, ok := s.TriesLeft(); ok {
		return "tries left: " + strconv.Itoa(n)
	}
	if n, ok := s.BytesLeft(); ok {
		return "bytes left: " + strconv.Itoa(n)
	}
	if n, ok := s.WrongLe(); ok {
		return "wrong Le, expected: " + strconv.Itoa(n)
	}
	if text, ok := families[s&0xFF00]; ok {
		return text
	}
	if s.Valid() {
		return "proprietary"
	}
	return "not a status"
}
