package card

import (
	"sync"
	"time"

	"sotto/dyncode"
)

// Store keeps the card's memory. Save is durable when it returns nil: after a
// loss of power the store gives back either this memory or, had Save not
// returned, the one before, whole. It must not keep encoded, which is wiped.
type Store interface {
	Save(encoded []byte) error
}

// Prompt presents views to the holder. Show returns when the view is there for
// a person to see; Clear leaves no trace of a view. A Prompt may also be a
// Pager. It must not call the Device.
type Prompt interface {
	Show(View) error
	Clear()
}

// Pager is a Prompt that can turn to a view's next page.
type Pager interface{ PageNext() }

// Device is a card at work: the rules, with a store, a prompt and a clock. It
// is safe for concurrent use, and takes one message at a time.
type Device struct {
	store  Store
	prompt Prompt
	clock  func() time.Time

	mu      sync.Mutex
	rules   machine
	room    room
	encoded [memoryRoom]byte // where the memory is written for the store
	view    View             // without its code
	code    []byte           // the one code, the only copy that the device holds
	life    life
	arrival time.Time // of the view; zero: not known yet
	ticked  time.Time // the last Tick, the time of a card with no clock
}

// New switches a card on. A nil clock is a card without one: it measures
// lifetimes by Tick alone, and cannot tell that a message is late.
func New(m Memory, s Store, p Prompt, clock func() time.Time) *Device {
	d := &Device{store: s, prompt: p, clock: clock, rules: newMachine(m)}
	d.view = d.rules.resting
	_ = p.Show(d.view) // nothing is lost when the resting picture fails
	return d
}

// Handle takes one message and gives the card's answer: a receipt or a refusal.
func (d *Device) Handle(message []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	d.expire(now)
	decided := d.rules.receive(message, now, &d.room)
	if decided.refused == 0 && !decided.repeat {
		decided.refused = d.carryOut(decided, now)
	}
	clear(decided.code)
	if decided.refused != 0 {
		return dyncode.Refusal{Reason: decided.refused, Message: decided.message}.Append(nil)
	}
	if d.rules.memory.Identity.Profile == dyncode.Plain {
		return dyncode.AppendBareReceipt(nil, decided.receipt)
	}
	return d.rules.inner.AppendReceipt(nil, decided.receipt)
}

// now is the card's time; zero if it has no clock.
func (d *Device) now() time.Time {
	if d.clock == nil {
		return time.Time{}
	}
	return d.clock()
}

// carryOut has a decision's effects, in the order that the package promises.
func (d *Device) carryOut(x decision, now time.Time) dyncode.Reason {
	before := d.rules.memory
	assert(x.next.BankCounter >= before.BankCounter, "the bank's counter went back")
	assert(x.receipt.Result != 0 && x.view.Scene != SceneIdle && x.view.Code == "", "a decision shows nothing")
	// A Plain card has no counters to keep before it shows.
	if before.Identity.Profile != dyncode.Plain {
		if d.save(x.next) != nil {
			return dyncode.RefusedStorage
		}
		d.rules = d.rules.with(x.next)
		before.wipeForgotten(x.next)
	}
	d.wipe()
	d.view, d.code, d.life = x.view, append([]byte(nil), x.code...), x.life
	d.arrival = now
	if d.clock == nil {
		d.arrival = d.ticked
	}
	if d.prompt.Show(d.visible()) != nil {
		// Reading: the reasons have none for a broken prompt. To the holder it
		// is the same as a broken memory: the card needs repair.
		d.rest()
		return dyncode.RefusedStorage
	}
	// The view is there, so the receipt is true whether or not this is kept. If
	// it is not, a repetition after a loss of power is refused for its counter.
	d.rules.memory.Shown = x.receipt
	_ = d.save(d.rules.memory)
	return 0
}

func (d *Device) save(m Memory) error {
	encoded, err := m.Append(d.encoded[:0])
	if err != nil {
		return err
	}
	defer clear(encoded)
	return d.store.Save(encoded)
}

// Tick tells the device the time; call it about once a second. A view whose
// time is over goes. For a card without a clock any time that goes forward will
// do, and a view may go up to one tick early.
func (d *Device) Tick(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ticked = now
	d.expire(now)
}

func (d *Device) expire(now time.Time) {
	if d.view.Scene == SceneIdle || now.IsZero() {
		return
	}
	if d.arrival.IsZero() {
		d.arrival = now
	}
	if d.life.over(d.arrival, now, d.clock != nil) {
		d.rest()
	}
}

// rest goes back to the resting picture.
func (d *Device) rest() {
	d.wipe()
	_ = d.prompt.Show(d.view)
}

// wipe leaves nothing of the last view, on the prompt or here.
func (d *Device) wipe() {
	d.prompt.Clear()
	clear(d.code)
	d.code, d.view, d.life, d.arrival = nil, d.rules.resting, life{}, time.Time{}
}

// View is what the card presents now.
func (d *Device) View() View {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(d.now())
	return d.visible()
}

// visible is the view with its code.
func (d *Device) visible() View {
	v := d.view
	v.Code = string(d.code)
	v.Details = append([]Detail(nil), v.Details...)
	v.Lines = append([]string(nil), v.Lines...)
	return v
}

// PageNext turns the prompt to the view's next page, if it has pages.
func (d *Device) PageNext() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, ok := d.prompt.(Pager); ok {
		p.PageNext()
	}
}

// SetPresentation keeps how the card presents from now on. To have its prompt do
// so is for whoever holds the card.
func (d *Device) SetPresentation(p Presentation) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.rules.memory
	next.Presentation = p
	if err := d.save(next); err != nil {
		return err
	}
	d.rules.memory = next
	return nil
}

// Identity is whose card this is. Its key stays wrapped.
func (d *Device) Identity() dyncode.Personalization {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rules.memory.Identity
}

func assert(holds bool, what string) {
	if !holds {
		panic("card: " + what)
	}
}
