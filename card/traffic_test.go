package card

import (
	"bytes"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sotto/dyncode"
	"sotto/ident"
)

// traffic is the card with its model and everybody who sends.
type traffic struct {
	*desk
	model  model
	phones []*phone
	sent   []post
	next   int
	shown  map[string]bool // codes and notices that were on the prompt
	last   uint64          // bank counter of the last that was shown

}

func newTraffic(p dyncode.Profile) *traffic {
	x := &traffic{desk: newDesk(p), shown: map[string]bool{}}
	x.model.clear = p == dyncode.PhoneSealed
	x.model.live = keptModel{active: nobody, pending: nobody}
	x.model.kept = x.model.live
	return x
}

func (x *traffic) id() ident.Raw {
	x.next++
	var r ident.Raw
	r[14], r[15] = byte(x.next>>8), byte(x.next)
	return r
}

// hand gives the card a message with nothing going wrong around it.
func (x *traffic) hand(t *rapid.T, p post) {
	x.model.pass(x.now)
	why, repeat := x.model.verdict(p, x.now)
	seen := len(x.pane.seen)
	answer := x.device.Handle(p.bytes)
	x.look(t, seen)
	x.judgeAnswer(t, p, answer, why)
	if why != 0 || repeat {
		if len(x.pane.seen) != seen {
			t.Fatal("a refusal or a repetition was shown")
		}
		return
	}
	x.model.live = x.model.accept(p).marked(p)
	x.model.kept = x.model.live
	x.model.show(p, x.now)
}

func (x *traffic) judgeAnswer(t *rapid.T, p post, answer []byte, want dyncode.Reason) {
	if want != 0 {
		got, err := dyncode.ParseRefusal(answer)
		if err != nil || got.Reason != want || got.Message != p.id {
			t.Fatalf("got %v, %v; want refusal %v", got, err, want)
		}
		return
	}
	got, err := x.bank.inner.Verify(answer)
	if err != nil || got.Message != p.id || got.Counter != p.bank || got.Result != resultOf(p.kind) {
		t.Fatalf("got %+v, %s; want a receipt for counter %d", got, refusalText(answer), p.bank)
	}
	if p.code != "" && !x.shown[p.code] {
		t.Fatal("a receipt for what was never shown")
	}
}

// look goes through what came on the prompt since.
func (x *traffic) look(t *rapid.T, since int) {
	for _, v := range x.pane.seen[since:] {
		if v.Code == "" {
			continue
		}
		if x.shown[v.Code] {
			t.Fatalf("code %s was shown twice", v.Code)
		}
		x.shown[v.Code] = true
		p := x.sentWith(v.Code)
		if p.spoiled {
			t.Fatal("a code that is not for this card was shown")
		}
		// Only a phone-sealed card takes a phone's word for the order.
		if !x.model.clear && p.bank <= x.last {
			t.Fatalf("the code of counter %d was shown after that of %d", p.bank, x.last)
		}
		x.last = p.bank
	}
}

func (x *traffic) sentWith(code string) post {
	for _, p := range x.sent {
		if p.code == code {
			return p
		}
	}
	return post{spoiled: true}
}

// handCut gives the card a message and takes its power at one of the effects.
func (x *traffic) handCut(t *rapid.T, p post, point string) {
	x.model.pass(x.now)
	why, repeat := x.model.verdict(p, x.now)
	seen := len(x.pane.seen)
	x.cutAt(point)
	answer, lost := x.handleUntilCut(p.bytes)
	x.mend()
	x.look(t, seen)
	if acts := why == 0 && !repeat; lost != acts {
		t.Fatalf("the power went: got %v, want %v", lost, acts)
	}
	if !lost {
		x.judgeAnswer(t, p, answer, why)
	} else {
		switch point {
		case "after the counters are kept", "while the view is drawn", "before shown is kept":
			x.model.kept = x.model.accept(p)
		case "after shown is kept":
			x.model.kept = x.model.accept(p).marked(p)
		}
	}
	x.powerCut(t)
}

func (x *traffic) powerCut(t *rapid.T) {
	x.reboot(t)
	x.model.live = x.model.kept
	x.model.screen = ""
}

// handWorn gives the card a message while its flash fails.
func (x *traffic) handWorn(t *rapid.T, p post, kept bool) {
	x.model.pass(x.now)
	why, repeat := x.model.verdict(p, x.now)
	if why == 0 && !repeat {
		why = dyncode.RefusedStorage
		if kept {
			x.model.kept = x.model.accept(p)
		}
	}
	seen := len(x.pane.seen)
	x.flash.fail = func(int) (bool, bool) { return true, kept }
	answer := x.device.Handle(p.bytes)
	x.mend()
	if len(x.pane.seen) != seen {
		t.Fatal("shown although nothing could be kept")
	}
	x.judgeAnswer(t, p, answer, why)
}

// check compares the card with the model.
func (x *traffic) check(t *rapid.T) {
	x.model.pass(x.now)
	v := x.device.View()
	got := v.Code
	if v.Scene == SceneReleased {
		got = "released"
	}
	if got != x.model.screen || x.pane.now.Code != v.Code {
		t.Fatalf("screen: got %q (prompt %q), want %q", got, x.pane.now.Code, x.model.screen)
	}
	m := x.device.rules.memory
	if m.BankCounter != x.model.live.bank || m.Active.Present() != (x.model.live.active != nobody) ||
		m.Pending.Present() != (x.model.live.pending != nobody) {
		t.Fatalf("memory: got counter %d, want %+v", m.BankCounter, x.model.live)
	}
	if x.flash.kept == nil {
		return
	}
	kept, err := ParseMemory(x.flash.kept)
	if err != nil || kept.BankCounter != x.model.kept.bank || kept.Active.Counter != x.model.kept.active.counter {
		t.Fatalf("flash: got counter %d, %v; want %+v", kept.BankCounter, err, x.model.kept)
	}
	if v.Code != "" && bytes.Contains(x.flash.kept, []byte(v.Code)) {
		t.Fatal("a code is in flash")
	}
}

func (x *traffic) any(t *rapid.T) post {
	if len(x.sent) > 0 && rapid.IntRange(0, 2).Draw(t, "old") == 0 {
		return rapid.SampledFrom(x.sent).Draw(t, "which")
	}
	return x.make(t)
}

// reseal is a message again, sealed anew by its phone.
func (x *traffic) reseal(t *rapid.T) post {
	p := rapid.SampledFrom(x.sent).Draw(t, "which")
	if p.phone < 0 || p.spoiled || p.foreign || p.bank == math.MaxUint64 {
		return p
	}
	b := *x.bank
	b.counter = p.bank - 1
	p.bytes = x.phones[p.phone].seal(p.id, b.part(p.id, limited(payment(p.code), p)))
	p.counter = x.phones[p.phone].counter
	return p
}

func TestCardUnderRandomTraffic(t *testing.T) {
	points := []string{
		"before the counters are kept", "after the counters are kept",
		"while the view is drawn", "before shown is kept", "after shown is kept",
	}
	for _, profile := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed} {
		t.Run(profile.String(), rapid.MakeCheck(func(t *rapid.T) {
			x := newTraffic(profile)
			t.Repeat(map[string]func(*rapid.T){
				"":        x.check,
				"message": func(t *rapid.T) { x.hand(t, x.any(t)) },
				"fresh":   func(t *rapid.T) { x.hand(t, x.make(t)) },
				"delayed": func(t *rapid.T) { x.make(t) },
				"reseal": func(t *rapid.T) {
					if len(x.sent) > 0 {
						x.hand(t, x.reseal(t))
					}
				},
				"cut": func(t *rapid.T) { x.handCut(t, x.any(t), rapid.SampledFrom(points).Draw(t, "point")) },
				"worn": func(t *rapid.T) {
					p := x.any(t)
					x.handWorn(t, p, rapid.Bool().Draw(t, "kept all the same"))
				},
				"off and on": x.powerCut,
				"time": func(t *rapid.T) {
					x.now = x.now.Add(time.Duration(rapid.IntRange(1, 70).Draw(t, "seconds")) * time.Second)
					x.device.Tick(x.now)
				},
			})
		}))
	}
}
