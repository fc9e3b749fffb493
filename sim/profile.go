package sim

import (
	"errors"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/cps"
	"sotto/emv/oda"
	"sotto/secret"
)

// profile is what an applet was personalized with and never changes, with its
// keys ready for use.
type profile struct {
	cps.Profile

	track2 []byte
	ac     emv.MasterKey // for cryptograms, and the bank's answers to them
	script emv.MasterKey // for scripts, and the balance in 9F10
}

// withProfile reads the applet's profile for a command that needs it.
func withProfile(run func(*applet, apdu.Command) apdu.Response) func(*applet, apdu.Command) apdu.Response {
	return func(a *applet, c apdu.Command) apdu.Response {
		var err error
		if a.profile, err = a.readProfile(); err != nil {
			a.fail(err)
			return status(apdu.StatusMemoryFailure)
		}
		return run(a, c)
	}
}

func (a *applet) readProfile() (*profile, error) {
	groups, err := a.groups()
	if err != nil {
		return nil, err
	}
	defer cps.Wipe(groups)
	x, err := a.entry.filledWith(groups).Profile()
	if err != nil {
		return nil, ErrDamaged
	}
	return newProfile(x)
}

// filledWith is the registered applet with its data groupings.
func (e entry) filledWith(groups []cps.Group) cps.Applet {
	return cps.Applet{AID: e.aid, Label: e.label, Kind: e.kind, Priority: e.priority, Groups: groups}
}

func newProfile(x cps.Profile) (*profile, error) {
	track2, err1 := x.Track2.Append(nil)
	ac, err2 := emv.NewMasterKey(x.Suite, x.Keys.AC)
	script, err3 := emv.NewMasterKey(x.Suite, x.Keys.MAC)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	return &profile{x, track2, ac, script}, nil
}

// signs reports whether the applet has a key to sign with.
func (p *profile) signs() bool { return len(p.Offline.ICC.Signature) > 0 }

func (p *profile) signer() (oda.PrivateKey, error) {
	return oda.NewPrivateKey(p.Offline.Key, p.Offline.ICC.Exponent)
}

// groupName is the name of a data grouping among the applet's objects.
func groupName(id cps.ID) []byte { return []byte{nameGroup, byte(id >> 8), byte(id)} }

// groups opens all data groupings, in the order of their numbers.
func (a *applet) groups() (groups []cps.Group, err error) {
	prefix := appletKey(a.entry.aid, []byte{nameGroup})
	err = a.draft.stored.Walk(prefix, func(key, value []byte) error {
		name := key[len(prefix)-1:]
		if len(name) != 3 {
			return ErrDamaged
		}
		plain, err := a.safe.open(nil, value, name)
		if err != nil {
			return err
		}
		groups = append(groups, cps.Group{ID: cps.ID(name[1])<<8 | cps.ID(name[2]), Data: secret.New(plain)})
		clear(plain)
		return nil
	})
	return groups, err
}

// record is a record that the bank has put there, nil if there is none.
func (a *applet) record(file, number byte) []byte {
	id := cps.ID(file)<<8 | cps.ID(number)
	if _, _, ok := id.Record(); !ok {
		return nil
	}
	return a.read(groupName(id))
}
