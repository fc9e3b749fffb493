package pos_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"sotto/bankapi"
	"sotto/emv"
	"sotto/link"
	"sotto/money"
	"sotto/pos"
	"sotto/pos/mem"
)

// reader is a place for one chip, which can be pulled away at any command.
type reader struct {
	chip link.Chip
	face link.Interface

	commands int
	cutAt    int  // the command at which the chip goes; 0: never
	after    bool // it has heard that command, and its answer is lost
	slow     bool // it never answers
}

func (r *reader) Connect(ctx context.Context) (link.Connection, error) {
	if r.chip == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	r.chip.Reset(r.face)
	r.commands = 0
	return &connection{r: r}, nil
}

type connection struct {
	r    *reader
	gone bool
}

func (c *connection) Interface() link.Interface { return c.r.face }
func (c *connection) Close() error              { return nil }

func (c *connection) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	r := c.r
	r.commands++
	switch {
	case r.slow:
		<-ctx.Done()
		return nil, ctx.Err()
	case c.gone, r.commands == r.cutAt && !r.after:
		c.gone = true
		return nil, fmt.Errorf("reader: %w", link.ErrGone)
	}
	answer := r.chip.Transmit(command)
	if r.commands == r.cutAt {
		c.gone = true
		return nil, link.ErrGone
	}
	return answer, nil
}

// counting is the terminal's randomness: numbers that count.
type counting struct{ n uint32 }

func (c *counting) Read(b []byte) (int, error) {
	c.n++
	for i := range b {
		b[i] = 0x2B
	}
	if len(b) >= 4 {
		binary.BigEndian.PutUint32(b[len(b)-4:], 0x2B29EB00+c.n)
	}
	return len(b), nil
}

// bank is an acquirer that verifies what it gets, counts each counter once, and
// can be deaf or dumb.
type bank struct {
	used      map[string]string // AC, by PAN and ATC
	posted    map[string]int64
	approved  map[string]int64
	reversed  map[string]bool
	settled   map[int]bank2
	deaf      int // requests that do not arrive
	dumb      int // requests whose answer is lost
	says      emv.ARC
	calls     []string
	contrary  bool // it says approved and declined at once
	problem   bankapi.Reason
	forgotten int // results left out of the next answer
}

type bank2 struct{ count, amount int64 }

func newBank() *bank {
	return &bank{
		used: map[string]string{}, posted: map[string]int64{}, approved: map[string]int64{}, reversed: map[string]bool{},
		settled: map[int]bank2{}, says: emv.ARCApproved,
	}
}

var errLine = errors.New("the line is down")

// heard reports whether a request arrives.
func (b *bank) heard(what string) error {
	b.calls = append(b.calls, what)
	switch {
	case b.deaf > 0:
		b.deaf--
		return errLine
	case b.problem != "":
		return bankapi.NewProblem(b.problem, "")
	}
	return nil
}

// back reports whether the answer arrives.
func (b *bank) back() error {
	if b.dumb > 0 {
		b.dumb--
		return errLine
	}
	return nil
}

func read(text string) (bankapi.ChipData, string, bool) {
	d, err := bankapi.ParseChipData(text)
	if err != nil {
		return d, "", false
	}
	ac, _ := cardKeys(d.PAN)
	return d, fmt.Sprintf("%s/%d", d.PAN, d.Input.ATC), ac.VerifyAC(d.Input, d.AC)
}

func (b *bank) Authorize(_ context.Context, _ string, r bankapi.Authorize) (bankapi.Authorization, error) {
	if err := b.heard("authorize"); err != nil {
		return bankapi.Authorization{}, err
	}
	if b.settled[r.Batch] != (bank2{}) {
		return bankapi.Authorization{}, bankapi.NewProblem(bankapi.WrongState, "")
	}
	d, id, ok := read(r.ChipData)
	minor, _ := d.Input.Amount.Minor()
	if !ok || d.CID != emv.ARQC || minor != r.Amount {
		return bankapi.Authorization{}, bankapi.NewProblem(bankapi.NotGenuine, "")
	}
	ac, mac := cardKeys(d.PAN)
	auth := ac.IssuerAuth1(d.Input.ATC, d.AC, b.says)
	a := bankapi.Authorization{Tap: id, Status: bankapi.TapDeclined, ResponseCode: b.says.String(), IssuerAuth: hex.EncodeToString(auth[:])}
	approved := b.says.Approved() && !b.reversed[id]
	if approved {
		a.Status = bankapi.TapApproved
		b.approved[id] = r.Amount
	}
	if approved || b.says == emv.ARCInsufficient {
		value := must(emv.NewAmount(77))
		command := mac.SignScript(emv.PutData(emv.TagAvailable, value[:]), d.Input.ATC, d.AC)
		a.Script = hex.EncodeToString(must(emv.Script{Tag: emv.TagScript2, Commands: [][]byte{command.Bytes()}}.Append(nil)))
	}
	if b.contrary {
		a.ResponseCode = "05"
	}
	return a, b.back()
}

func (b *bank) Reverse(_ context.Context, r bankapi.Reverse) (bankapi.TapRecord, error) {
	if err := b.heard("reverse"); err != nil {
		return bankapi.TapRecord{}, err
	}
	_, id, ok := read(r.ChipData)
	if !ok {
		return bankapi.TapRecord{}, bankapi.NewProblem(bankapi.NotGenuine, "")
	}
	delete(b.approved, id)
	b.reversed[id] = true
	return bankapi.TapRecord{Status: bankapi.TapReversed}, b.back()
}

func (b *bank) PostTaps(_ context.Context, r bankapi.PostTaps) (bankapi.TapsPosted, error) {
	if err := b.heard(fmt.Sprintf("post %d", len(r.Taps))); err != nil {
		return bankapi.TapsPosted{}, err
	}
	var out bankapi.TapsPosted
	for _, tap := range r.Taps {
		d, id, ok := read(tap.ChipData)
		result := bankapi.TapResult{Reference: tap.Reference, Tap: id, Status: bankapi.TapPosted}
		minor, _ := d.Input.Amount.Minor()
		_, again := b.posted[id]
		switch {
		case !ok || d.CID != emv.TC || minor != tap.Amount:
			result.Status, result.Reason = bankapi.TapRefused, bankapi.NotGenuine
		case again && b.used[id] == string(d.AC[:]):
			result.Already = true
		case again:
			result.Status, result.Reason = bankapi.TapDisputed, bankapi.Duplicate
		case b.settled[r.Batch] != bank2{}:
			result.Status, result.Reason = bankapi.TapRefused, bankapi.WrongState
		default:
			b.posted[id], b.used[id] = tap.Amount, string(d.AC[:])
		}
		out.Results = append(out.Results, result)
	}
	out.Results = out.Results[:len(out.Results)-b.forgotten]
	return out, b.back()
}

func (b *bank) SettleBatch(_ context.Context, r bankapi.SettleBatch) (bankapi.Batch, error) {
	if err := b.heard(fmt.Sprintf("settle %d: %d, %d", r.Batch, r.Count, r.Amount)); err != nil {
		return bankapi.Batch{}, err
	}
	b.settled[r.Batch] = bank2{r.Count, r.Amount}
	return bankapi.Batch{Number: r.Batch, Count: r.Count, Amount: r.Amount, Currency: r.Currency, Settled: true}, b.back()
}

// world is a till with all around it.
type world struct {
	t       testing.TB
	reader  *reader
	journal pos.Journal
	bank    *bank
	random  io.Reader
	now     time.Time
	options func(*pos.Options)
	events  []pos.Event
	*pos.Terminal
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// newWorld has a terminal and a chip with these applets.
func newWorld(t testing.TB, change func(*pos.Options), applets ...*applet) *world {
	t.Helper()
	w := &world{t: t, reader: &reader{chip: &fake{applets: applets}}, journal: &mem.Journal{}, bank: newBank(), random: &counting{}, now: noon, options: change}
	w.start()
	return w
}

// start starts the terminal, anew if it is running.
func (w *world) start() {
	w.t.Helper()
	o := pos.Options{
		Settings: pos.Settings{
			Terminal: "T0000001", Merchant: "M1", Name: "Corner Shop", Category: 5411, Country: cny, Currency: money.CNY,
			Applications: []pos.Application{{AID: pos.OurAID}}, Authorities: authorities(),
		},
		Reader: w.reader, Journal: w.journal, Acquirer: w.bank, Random: w.random,
		Now:   func() time.Time { return w.now },
		Trace: func(e pos.Event) { w.events = append(w.events, e) },
	}
	if w.options != nil {
		w.options(&o)
	}
	var err error
	if w.Terminal, err = pos.New(o); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) fake() *fake {
	f, ok := w.reader.chip.(*fake)
	if !ok {
		w.t.Fatal("another chip is at the reader")
	}
	return f
}

// offline is a terminal without a bank.
func offline(o *pos.Options) { o.Acquirer = nil }

// yuan is an amount in minor units.
func yuan(minor int64) pos.Sale {
	return pos.Sale{Amount: money.Amount{Minor: minor, Currency: money.CNY}}
}

func (w *world) tap(sale pos.Sale) pos.Result {
	w.t.Helper()
	r, err := w.Tap(context.Background(), sale)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// ends taps, and wants this to come of it.
func (w *world) ends(sale pos.Sale, want pos.Reason) pos.Result {
	w.t.Helper()
	r := w.tap(sale)
	if r.Reason != want {
		w.t.Fatalf("got %s: %s (%s), want %s\n%s", r.Outcome, r.Reason, r.Status, want, w.trace())
	}
	return r
}

func (w *world) trace() string {
	var b strings.Builder
	for _, e := range w.events {
		b.WriteString(e.Text(false))
	}
	return b.String()
}

// states are the entries of the journal.
func (w *world) states() (list []pos.State) {
	for _, e := range w.Entries() {
		list = append(list, e.State)
	}
	return list
}

func (w *world) wantStates(want ...pos.State) {
	w.t.Helper()
	if got := w.states(); fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("the journal has %v, want %v", got, want)
	}
}
