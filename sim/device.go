package sim

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"sotto/apdu"
	"sotto/emv"
	"sotto/link"
	"sotto/scp03"
	"sotto/secret"
)

// Options are what a device is made with.
type Options struct {
	// Key is the device key, 32 bytes: whoever has it and the store has all.
	Key secret.Secret
	// Issuer are the keys of the issuer security domain; nil stands for
	// IssuerKeys(Key).
	Issuer *scp03.Keys
	// Random is where credentials, challenges and signatures get theirs. It must
	// be unpredictable.
	Random io.Reader
	// Now is the device's clock. Without one expiry dates are the terminal's
	// affair, as on a SIM that has no clock.
	Now func() time.Time
	// Observer, if there is one, is told what happens.
	Observer Observer
}

// Device is the near-field payment device at work. It implements link.Chip.
//
// One reader at a time: a device has one session, which Reset ends, and two
// readers that speak in turns would each undo what the other selected. Whoever
// has two lets one wait. Calls from several goroutines are safe in so far as
// each command is carried out as a whole.
type Device struct {
	options Options
	vault   *vault
	wrap    cipher.AEAD // of credentials
	own     cipher.AEAD // of the device's own objects
	issuer  scp03.Keys

	mu      sync.Mutex
	session session
}

var _ link.Chip = (*Device)(nil)

// ErrKey says that the device key has not 32 bytes.
var ErrKey = errors.New("sim: a device key has 32 bytes")

// Open takes up the device whose memory the store is; an empty store is that of
// a new device. It reads and authenticates the whole store first: a device whose
// memory is not as it left it does not start.
func Open(store Store, options Options) (*Device, error) {
	if len(options.Key.Reveal()) != keySize {
		return nil, ErrKey
	}
	d := &Device{
		options: options,
		vault:   newVault(store, branch(options.Key, "root"), branch(options.Key, "sum")),
		wrap:    newAEAD(branch(options.Key, "credential")),
		own:     newAEAD(branch(options.Key, "own")),
	}
	var err error
	if d.issuer, err = issuerKeys(options); err != nil {
		return nil, fmt.Errorf("start the device: %w", err)
	}
	if err := d.vault.verify(); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("start the device: %w", err)
	}
	d.session = session{face: link.Contactless}
	return d, nil
}

// check reads everything once that a command could read, so that what cannot be
// read is found now. A store that was never written gets its root.
func (d *Device) check() error {
	return d.vault.store.View(func(r Reader) error {
		if r.Load(rootKey) == nil {
			return nil
		}
		t := d.begin(r)
		t.eachEntry(func(e entry) { t.open(e) })
		t.settings()
		return t.fault
	})
}

// Reset is power or a warm reset: all that was selected, agreed or under way is
// forgotten.
func (d *Device) Reset(face link.Interface) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.session = session{face: face}
}

// Transmit answers one command. Whatever the command is, the answer has a status
// word that says what became of it; a command that is refused has changed
// nothing.
func (d *Device) Transmit(command []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, r, facts := d.exchange(command)
	response := r.Bytes()
	d.observe(c, command, response, facts)
	return response
}

func (d *Device) exchange(raw []byte) (apdu.Command, apdu.Response, []Fact) {
	c, err := apdu.Parse(raw)
	if err != nil {
		return c, status(apdu.StatusWrongLength), nil
	}
	if word := classStatus(c.CLA); word != apdu.StatusOK {
		return c, status(word), nil
	}
	if apdu.IsGetResponse(c) {
		r, rest := d.session.pending.GetResponse(c)
		d.session.pending = rest
		return c, r, nil
	}
	r, facts := d.carryOut(func(t *turn) apdu.Response { return t.dispatch(c) })
	r, d.session.pending = apdu.Respond(r, c.Ne)
	return c, r, facts
}

// carryOut runs one command: it reads, decides, and only if the command
// succeeded keeps what is to be kept, before anything is answered.
func (d *Device) carryOut(command func(*turn) apdu.Response) (apdu.Response, []Fact) {
	var t *turn
	var r apdu.Response
	err := d.vault.store.View(func(stored Reader) error {
		t = d.begin(stored)
		r = command(t)
		return errors.Join(t.fault, t.random.err)
	})
	d.session.pending, d.session.management = apdu.Pending{}, t.session.management
	if err != nil {
		return status(apdu.StatusMemoryFailure), nil
	}
	if refused(r.Status) && !t.insist {
		return r, t.facts
	}
	if !t.draft.empty() {
		if err := d.vault.commit(t.draft, t.random); err != nil {
			// Whether it was kept is unknown. What was under way is over, and the
			// next command will read what is true.
			d.session.transaction = transaction{}
			return status(apdu.StatusMemoryFailure), nil
		}
	}
	d.session = t.session
	return r, t.facts
}

// refused reports whether a status says that the command was not carried out.
func refused(s apdu.Status) bool { return !s.OK() && !s.Warning() }

func status(s apdu.Status) apdu.Response { return apdu.Response{Status: s} }

// answer is a response that went well.
func answer(data []byte) apdu.Response {
	return apdu.Response{Data: data, Status: apdu.StatusOK}
}

// today is the date, or none on a device without a clock.
func (d *Device) today() emv.Date {
	if d.options.Now == nil {
		return emv.Date{}
	}
	now := d.options.Now()
	if now.IsZero() {
		return emv.Date{}
	}
	date, err := emv.NewDate(now.Year(), int(now.Month()), now.Day())
	if err != nil {
		return emv.Date{}
	}
	return date
}
