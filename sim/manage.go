package sim

import (
	"bytes"
	"errors"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/cps"
	"sotto/tlv"
)

// The management commands as a host sends them, before the channel protects
// them.

// InstallCommand is INSTALL [for install and make selectable] of an applet of
// this kind (GlobalPlatform Card Specification 2.3.1, 11.5.2.3.2). Label and
// priority travel in the parameters.
func InstallCommand(aid []byte, kind Kind, label string, priority byte) apdu.Command {
	parameters := appendText(nil, emv.TagLabel, label)
	parameters = tlv.Append(parameters, emv.TagPriority, []byte{priority})
	b := appendField(nil, []byte(packageAID))
	b = appendField(b, append([]byte(packageAID), byte(kind)))
	b = appendField(b, aid)
	b = appendField(b, []byte{0}) // privileges: none
	b = appendField(b, tlv.Append(nil, tagParameters, parameters))
	b = appendField(b, nil) // no token
	return apdu.Command{CLA: classProprietary, INS: insInstall, P1: forInstall, Data: b, Ne: apdu.NeMaxShort}
}

// PersonalizeCommand is INSTALL [for personalization], which says whom STORE
// DATA is for (11.5.2.3.6).
func PersonalizeCommand(aid []byte) apdu.Command {
	b := appendField([]byte{0, 0}, aid)
	b = append(b, 0, 0, 0)
	return apdu.Command{CLA: classProprietary, INS: insInstall, P1: forPersonalize, Data: b, Ne: apdu.NeMaxShort}
}

func appendField(dst, value []byte) []byte {
	return append(append(dst, byte(len(value))), value...)
}

// StoreCommand is STORE DATA with one block of the personalization.
func StoreCommand(b cps.Block) apdu.Command {
	return apdu.Command{CLA: classProprietary, INS: insStoreData, P1: b.P1, P2: b.P2, Data: b.Data}
}

// DeleteCommand is DELETE of an applet.
func DeleteCommand(aid []byte) apdu.Command {
	return apdu.Command{
		CLA: classProprietary, INS: insDelete, Data: tlv.Append(nil, emv.TagADFName, aid), Ne: apdu.NeMaxShort,
	}
}

// LockCommand is SET STATUS: the issuer locks an applet, or gives it free.
func LockCommand(aid []byte, locked bool) apdu.Command {
	c := apdu.Command{CLA: classProprietary, INS: insSetStatus, P1: ofApplications, P2: byte(lifePersonalized), Data: aid}
	if locked {
		c.P2 |= byte(lifeLocked)
	}
	return c
}

// StatusCommand is GET STATUS of all applets, the first part or the next.
func StatusCommand(first bool) apdu.Command {
	c := apdu.Command{
		CLA: classProprietary, INS: insGetStatus, P1: ofApplications, P2: statusNext,
		Data: tlv.Append(nil, emv.TagADFName, nil), Ne: apdu.NeMaxShort,
	}
	if first {
		c.P2 = statusFirst
	}
	return c
}

// Installed is what GET STATUS says of one applet.
type Installed struct {
	AID          []byte
	Personalized bool
	Locked       bool // by the issuer
}

// ErrStatus says that an answer to GET STATUS is none.
var ErrStatus = errors.New("sim: not an answer to GET STATUS")

// ParseStatus reads one answer to GET STATUS; more says that the next part is to
// be asked for.
func ParseStatus(r apdu.Response) (list []Installed, more bool, err error) {
	for rest := r.Data; ; {
		o, next, ok, err := tlv.Next(rest)
		if err != nil || ok && o.Tag != tagStatus {
			return nil, false, ErrStatus
		}
		if !ok {
			return list, r.Status == statusMore, nil
		}
		aid, _ := tlv.Find(o.Value, emv.TagADFName)
		state, _ := tlv.Find(o.Value, tagLife)
		if len(aid) < aidMin || len(state) != 1 {
			return nil, false, ErrStatus
		}
		x := life(state[0])
		list = append(list, Installed{bytes.Clone(aid), x&lifePersonalized == lifePersonalized, x&lifeLocked != 0})
		rest = next
	}
}
