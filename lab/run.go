package lab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"sotto/bankapi"
)

// Step is one step of a scripted payment, with the faces of the devices as they
// were at its end: of an online payment the card's, of a tap those of SIM and
// till.
type Step struct {
	Step  string    `json:"step"`
	Says  string    `json:"says"`
	AtMS  float64   `json:"at_ms"`
	Phone Face      `json:"phone"`
	Card  *CardFace `json:"card,omitempty"`
	Link  *LinkFace `json:"link,omitempty"` // once something has crossed between these two
	SIM   *SIMFace  `json:"sim,omitempty"`
	Till  *TillFace `json:"till,omitempty"`
	Funds Funds     `json:"balances"`
}

// Face is what can be seen of the phone.
type Face struct {
	Screen string `json:"screen"`
}

// CardFace is what can be read on the card.
type CardFace struct {
	Lines []string `json:"lines"`
}

// LinkFace is what somebody hears who listens to the radio between them.
type LinkFace struct {
	Name     string  `json:"name"` // nfc, rfid or ble
	Distance float64 `json:"distance_m"`
	// Fragments are all packets of message and answer, both ways, and Lost those
	// that did not arrive and were sent again.
	Fragments int     `json:"fragments"`
	Lost      int     `json:"lost"`
	Took      float64 `json:"took_ms"`
}

// SIMFace is what the holder can see of the SIM.
type SIMFace struct {
	Applets []AppletFace `json:"applets"`
}

// AppletFace is one applet.
type AppletFace struct {
	Label     string `json:"label"`
	Available Money  `json:"available"`
	Preferred bool   `json:"preferred,omitempty"`
	Locked    bool   `json:"locked,omitempty"`
}

// TillFace is what stands on the till's display, and what is in its journal.
type TillFace struct {
	Display []string `json:"display"`
	Journal []Entry  `json:"journal"`
}

// Outcome ends a transcript.
type Outcome struct {
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
	Moved  Money  `json:"moved"`
	Steps  int    `json:"steps"`
}

// runMax is how long a scripted payment may take.
const runMax = 30 * time.Second

// RunOnline makes one payment with nobody at the page, and tells each step. It
// returns an error unless the money moved, all of it, and the phone showed
// nothing from beginning to end.
func (l *Lab) RunOnline(ctx context.Context, tell func(Step)) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, runMax)
	defer cancel()
	r := &script{lab: l, tell: tell, before: l.State().Bank.Funds, began: l.c.Now()}
	err := r.play(ctx)
	after := l.State()
	moved := after.Bank.Funds.Shop.Minor - r.before.Shop.Minor
	if err == nil {
		err = r.audit(after, moved)
	}
	out := Outcome{OK: err == nil, Moved: balance(moved), Steps: r.steps}
	if err != nil {
		out.Reason = err.Error()
	}
	return out, err
}

type script struct {
	lab    *Lab
	tell   func(Step)
	before Funds
	began  time.Time
	steps  int
	shown  []string // what the phone's screen had, if it ever had anything
	code   string
}

// play makes an online payment.
func (r *script) play(ctx context.Context) error {
	l := r.lab
	if s := l.State(); s.Air.Using == "" {
		return fmt.Errorf("the phone does not reach the card by %s over %v m: bring it nearer with --distance, or choose another --link", s.Air.Link, s.Air.Distance)
	}
	r.step("ready", "The phone has enrolled and the card is bound to it. The card rests; the phone is dark.", l.State())
	if err := l.Checkout(ctx); err != nil {
		return err
	}
	s := l.State()
	if s.Shop.Problem != nil {
		return fmt.Errorf("the bank refused the payment: %s", s.Shop.Problem.Text)
	}
	r.step("checkout", "The shop asks the bank for "+s.Shop.Total.Text+". The bank makes a code, seals it for the card, and hands it to the phone.", s)
	s, err := l.Until(ctx, func(s State) bool {
		p := s.Bank.Payment
		return s.Card.Screen.Code != "" && p != nil && p.Delivery == bankapi.DeliveryOnCard
	})
	if err != nil {
		return fmt.Errorf("the code did not reach the card: %w", err)
	}
	r.code = s.Card.Screen.Code
	r.step("code", "The phone passed it on without opening it. The card opened it, shows it, and signed a receipt.", s)
	if err := l.Confirm(ctx, r.code); err != nil {
		return err
	}
	s, err = l.Until(ctx, func(s State) bool {
		return s.Shop.Problem != nil || s.Bank.Payment != nil && s.Bank.Payment.Status == bankapi.Succeeded
	})
	switch {
	case err != nil:
		return fmt.Errorf("the bank did not answer: %w", err)
	case s.Shop.Problem != nil:
		return fmt.Errorf("the bank refused the code: %s", s.Shop.Problem.Text)
	}
	r.step("paid", "The payer read the code on the card and typed it at the shop. The bank checked it and moved the money.", s)
	return nil
}

func (r *script) step(name, says string, s State) {
	step := r.begin(name, says, s)
	step.Card = &CardFace{Lines: s.Card.Screen.Lines}
	step.Link = linkFace(s)
	r.tell(step)
}

// linkFace adds up what the timeline of this payment has of the radio.
func linkFace(s State) (f *LinkFace) {
	if s.Bank.Payment == nil {
		return nil
	}
	for _, c := range s.Timeline {
		if c.Air == nil {
			continue
		}
		if f == nil {
			f = &LinkFace{}
		}
		f.Name, f.Distance = c.Air.Link, c.Air.Distance
		f.Fragments += c.Air.Packets
		f.Lost += c.Air.Lost
		f.Took = math.Round(10*(f.Took+c.Air.Took)) / 10
	}
	return f
}

// begin is a step without the faces of what else is there.
func (r *script) begin(name, says string, s State) Step {
	r.steps++
	if s.Phone.Screen != "" {
		r.shown = append(r.shown, name)
	}
	return Step{
		Step: name, Says: says, AtMS: millis(r.lab.c.Now().Sub(r.began)), Phone: Face{Screen: s.Phone.Screen}, Funds: s.Bank.Funds,
	}
}

// audit says why the run is no success.
func (r *script) audit(after State, moved int64) error {
	switch {
	case len(r.shown) > 0:
		return fmt.Errorf("the phone showed something at %s", strings.Join(r.shown, ", "))
	case moved != after.Bank.Payment.Amount || moved <= 0:
		return errors.New("the shop did not get the amount of the payment")
	case r.before.Payer.Minor-after.Bank.Funds.Payer.Minor != moved:
		return errors.New("the payer did not pay what the shop got")
	case strings.Contains(strings.Join(r.lab.phone.log.read(), "\n"), r.code):
		return errors.New("the phone's log has the code in it")
	}
	return nil
}
