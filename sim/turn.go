package sim

import (
	"sotto/emv"
)

// turn is one command at work: the session and the store as they were, and what
// the command makes of them. Only a command that succeeds leaves anything
// behind, unless it insists.
type turn struct {
	device  *Device
	session session
	draft   *draft
	random  *entropy
	today   emv.Date
	facts   []Fact

	// insist keeps what a refusing command has changed: a failed authentication
	// must be remembered.
	insist bool
	// fault is the first thing that could not be read. It makes the command
	// fail, whatever else it found.
	fault error
}

func (d *Device) begin(r Reader) *turn {
	return &turn{
		device:  d,
		session: d.session,
		draft:   newDraft(r),
		random:  &entropy{source: d.options.Random},
		today:   d.today(),
	}
}

func (t *turn) fail(err error) {
	if t.fault == nil {
		t.fault = err
	}
}

// eachEntry walks the registry in the order of the AIDs. The entries are good
// until the command ends.
func (t *turn) eachEntry(f func(entry)) {
	err := t.draft.stored.Walk([]byte{prefixEntry}, func(key, value []byte) error {
		e, err := readEntry(key, value)
		if err == nil {
			f(e)
		}
		return err
	})
	if err != nil {
		t.fail(err)
	}
}

// entry finds an applet by its whole AID.
func (t *turn) entry(aid []byte) (entry, bool) {
	key := entryKey(aid)
	value := t.draft.load(key)
	if value == nil {
		return entry{}, false
	}
	e, err := readEntry(key, value)
	if err != nil {
		t.fail(err)
	}
	return e, err == nil
}

func (t *turn) saveEntry(e entry) { t.draft.save(entryKey(e.aid), e.append(nil)) }

// applet is one applet, opened for the length of a command. With a fault it is
// empty, and the command fails whatever it does.
type applet struct {
	*turn

	entry   entry
	safe    safe
	account account
	profile *profile // of commands that need it
}

// Names of an applet's objects, below its AID. The account has none.
const (
	nameGroup  = 'p' // ‖ data grouping identifier (2)
	nameLog    = 'l' // ‖ file ‖ slot
	nameAnswer = 'c' // to the last debit over contacts
)

// open opens an applet's credential, and its account if it has one yet.
func (t *turn) open(e entry) *applet {
	a := &applet{turn: t, entry: e}
	var err error
	if a.safe, err = e.safe(t.device.wrap); err != nil {
		t.fail(err)
		return a
	}
	if e.life&lifePersonalized != lifePersonalized {
		return a
	}
	var room [accountSize]byte
	sealed := t.draft.load(appletKey(e.aid, nil))
	plain, err := a.safe.open(room[:0], sealed, nil)
	if err == nil {
		a.account, err = readAccount(plain)
	}
	if err != nil {
		t.fail(ErrDamaged)
	}
	return a
}

// read opens one object; nil if there is none.
func (a *applet) read(name []byte) []byte {
	sealed := a.draft.load(appletKey(a.entry.aid, name))
	if sealed == nil || a.safe.aead == nil {
		return nil
	}
	plain, err := a.safe.open(nil, sealed, name)
	if err != nil {
		a.fail(err)
	}
	return plain
}

// write seals one object anew.
func (a *applet) write(name, plain []byte) {
	if a.safe.aead == nil {
		return
	}
	key := appletKey(a.entry.aid, name)
	a.draft.save(key, a.safe.seal(a.random, a.draft.load(key), plain, name))
}

// saveAccount seals the account anew. What no rule may ever do is looked at
// here, where every change comes by.
func (a *applet) saveAccount() {
	x := a.account
	assert(x.available >= 0 && x.available <= x.most && x.most <= emv.AmountMax, "a balance is out of its limits")
	assert(!x.torn || x.before >= x.available, "a debit has made a balance larger")
	a.write(nil, x.append(make([]byte, 0, accountSize)))
}

func assert(holds bool, what string) {
	if !holds {
		panic("sim: " + what)
	}
}
