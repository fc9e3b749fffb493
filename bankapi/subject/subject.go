// Package subject names the bus subjects between the bank and one phone.
//
//	phone.<phone>.in              bank → phone   one dispatch
//	phone.<phone>.box.>           bank → phone   answers to the phone's requests
//	bank.<phone>.out              phone → bank   a message, answered
//	bank.<phone>.pending          phone → bank   "send what waits", answered with the count
//	bank.<phone>.ack.<dispatch>   phone → bank   the phone has taken a dispatch
//
// The phone's id stands in every subject, so that the server of the bus can
// hold each phone to its own subjects and the bank need not trust what a
// message says about its sender. A dispatch carries its acknowledgement
// subject as the reply subject: the dispatch id travels in it and nowhere else.
package subject

import "strings"

// TokenMax is the greatest length of a phone id or dispatch id, in bytes.
const TokenMax = 64

// Subjects on which every replica of the bank listens.
const (
	AllOut     = "bank.*.out"
	AllPending = "bank.*.pending"
	AllAck     = "bank.*.ack.*"
)

// Refused is the header of an answer which says that the bank has not handled a
// message; its values are Busy and Failed, and both mean: try again later.
const (
	Refused = "Bus-Refused"
	Busy    = "busy"   // too many messages of this phone at once
	Failed  = "failed" // the bank could not do it
)

// Valid reports whether token may stand in a subject as a phone id or dispatch
// id: 1 to TokenMax letters, digits, hyphens and underscores. A wildcard or a
// dot in an id would open the subjects of other phones.
func Valid(token string) bool {
	if token == "" || len(token) > TokenMax {
		return false
	}
	for _, c := range []byte(token) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// In is where a phone hears its dispatches.
func In(phone string) string { return "phone." + phone + ".in" }

// Box is the prefix under which a phone hears answers.
func Box(phone string) string { return "phone." + phone + ".box" }

// Out is where a phone's messages to the bank go.
func Out(phone string) string { return "bank." + phone + ".out" }

// Pending is where a phone asks for what waits.
func Pending(phone string) string { return "bank." + phone + ".pending" }

// Ack is where a phone says that it has taken a dispatch. With "*" for the
// dispatch it is the permission to do so.
func Ack(phone, dispatch string) string { return "bank." + phone + ".ack." + dispatch }

// Sender returns the phone whose subject this is. Only the server's
// permissions make it true; it reads, it does not prove.
func Sender(subject string) (phone string, ok bool) {
	rest, ok := strings.CutPrefix(subject, "bank.")
	if !ok {
		return "", false
	}
	phone, _, ok = strings.Cut(rest, ".")
	return phone, ok && Valid(phone)
}

// Acknowledged reads an acknowledgement subject.
func Acknowledged(subject string) (phone, dispatch string, ok bool) {
	phone, ok = Sender(subject)
	if !ok {
		return "", "", false
	}
	dispatch, ok = strings.CutPrefix(subject[len("bank.")+len(phone):], ".ack.")
	return phone, dispatch, ok && Valid(dispatch)
}

// Answerable reports whether reply is inside the phone's own box. The bank
// answers nowhere else: an answer is published with the bank's rights, and a
// phone that could choose any reply subject could write to other phones.
func Answerable(phone, reply string) bool {
	rest, ok := strings.CutPrefix(reply, Box(phone)+".")
	return ok && rest != "" && len(rest) <= 2*TokenMax && !strings.ContainsAny(rest, "*> \t\r\n")
}
