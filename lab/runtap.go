package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sotto/pos"
	"sotto/sim"
)

// tapAmount is what the script pays: more than the applet has that comes first.
const tapAmount = 2_500

// RunTap makes one tap with nobody at the page, brings it to the bank, and tells
// each step. It returns an error unless the applet that comes first could not
// pay, another did, the shop got the money, all of it, and the phone showed
// nothing from beginning to end.
func (l *Lab) RunTap(ctx context.Context, tell func(Step)) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, runMax)
	defer cancel()
	if w := l.State().Tap.Where; w.Till.Minor != 0 || w.Settlement.Minor != 0 { // of earlier taps
		if err := l.Settle(ctx); err != nil {
			return Outcome{Reason: err.Error()}, err
		}
	}
	before := l.State()
	r := &tapScript{script: script{lab: l, tell: tell, before: before.Bank.Funds, began: l.c.Now()}, first: before}
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

type tapScript struct {
	script

	first State // before anything
}

func (r *tapScript) play(ctx context.Context) error {
	l := r.lab
	preferred, ok := preferredOf(r.first)
	if !ok || pays(preferred) || !slices.ContainsFunc(r.first.SIM.Applets, pays) {
		return fmt.Errorf("the SIM needs a preferred applet that cannot pay %s and a purse that can: use a fresh lab, with --data mem", balance(tapAmount).Text)
	}
	r.step("ready", fmt.Sprintf("The SIM has %d applets. The holder prefers %s, which has %s. The phone is dark.",
		len(r.first.SIM.Applets), preferred.Label, preferred.Available.Text), r.first)
	if err := l.Tap(ctx, Touch{Amount: tapAmount}); err != nil {
		return err
	}
	s := l.State()
	if s.Till.Ending.Outcome != string(pos.Approved) {
		return fmt.Errorf("the till did not approve: %s, %s", s.Till.Ending.Outcome, s.Till.Ending.Reason)
	}
	story := s.Tap.Story
	r.step("tapped", fmt.Sprintf("The till sent the amount first. The SIM opened all %d accounts: %s has %s, so it named %s, "+
		"which paid and signed offline. The till checked the signature.",
		story.Applets, story.First, story.FirstHas.Text, story.Chosen), s)
	if err := l.Upload(ctx); err != nil {
		return err
	}
	s = l.State()
	if left := s.Till.Waiting; left.Minor != 0 {
		return fmt.Errorf("the till could not bring %s to the bank: %s", left.Text, s.Tap.Story.Reason)
	}
	r.step("uploaded", "The till has brought the tap to the bank, which checked its cryptogram and took the money out of the float.", s)
	if err := l.Settle(ctx); err != nil {
		return err
	}
	r.step("settled", "The till has closed its day, and the shop is paid.", l.State())
	return nil
}

// pays reports whether a purse could pay the script's amount.
func pays(a AppletState) bool {
	return a.Kind == sim.Purse.String() && a.Usable && a.Available.Minor >= tapAmount && a.TapMax.Minor >= tapAmount
}

func (r *tapScript) step(name, says string, s State) {
	step := r.begin(name, says, s)
	step.SIM, step.Till = simFace(s), tillFace(s)
	r.tell(step)
}

func simFace(s State) *SIMFace {
	f := &SIMFace{Applets: []AppletFace{}}
	for _, a := range s.SIM.Applets {
		f.Applets = append(f.Applets, AppletFace{a.Label, a.Available, a.Preferred, a.Locked})
	}
	return f
}

func tillFace(s State) *TillFace {
	f := &TillFace{Display: []string{}, Journal: s.Till.Journal}
	if e := s.Till.Ending; e != nil {
		f.Display = append(f.Display, s.Tap.Amount.Text, strings.ToUpper(e.Outcome))
		if e.Label != "" {
			f.Display = append(f.Display, e.Label)
		}
	}
	return f
}

func preferredOf(s State) (AppletState, bool) {
	for _, a := range s.SIM.Applets {
		if a.Preferred {
			return a, true
		}
	}
	return AppletState{}, false
}

// audit says why the run is no success.
func (r *tapScript) audit(after State, moved int64) error {
	before, funds := r.first.Bank.Funds, after.Bank.Funds
	story, where := r.paid(after), after.Tap.Where
	purses := func(s State) int64 { return s.SIM.Holds.Minor }
	switch {
	case len(r.shown) > 0:
		return fmt.Errorf("the phone showed something at %s", strings.Join(r.shown, ", "))
	case story.Label == "" || story.Preferred:
		return errors.New("the SIM did not choose another applet than the preferred one")
	case moved != tapAmount:
		return errors.New("the shop did not get the amount of the tap")
	case purses(r.first)-purses(after) != tapAmount:
		return errors.New("the purses did not pay what the shop got")
	case before.Float.Minor-funds.Float.Minor != tapAmount:
		return errors.New("the float did not go down by what was paid")
	case where.Doubt.Minor != 0 || where.Till.Minor != 0 || where.Settlement.Minor != 0:
		return errors.New("some of the money is still on its way")
	case funds.Float.Minor != purses(after):
		return errors.New("the float is not what is in the purses")
	case funds.Payer.Minor+funds.Shop.Minor+funds.Float.Minor+funds.Settlement.Minor+funds.Vault.Minor != 0:
		return errors.New("the ledger does not add up to nothing")
	}
	return nil
}

// paid is the applet that has less than before.
func (r *tapScript) paid(after State) AppletState {
	for i, a := range after.SIM.Applets {
		if i < len(r.first.SIM.Applets) && a.Available.Minor < r.first.SIM.Applets[i].Available.Minor {
			return a
		}
	}
	return AppletState{}
}
