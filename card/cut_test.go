package card

import (
	"testing"

	"sotto/dyncode"
)

// cut is the power that goes: everything above it in the stack is gone.
type cut struct{}

// handleUntilCut hands a message over and reports whether power was lost.
func (d *desk) handleUntilCut(message []byte) (answer []byte, lost bool) {
	defer func() {
		switch r := recover(); r.(type) {
		case nil:
		case cut:
			lost = true
		default:
			panic(r)
		}
	}()
	return d.device.Handle(message), false
}

// cutAt makes the power go at one of the effects of the next message.
func (d *desk) cutAt(point string) {
	saves := d.flash.saves
	d.flash.fail = func(save int) (bool, bool) {
		first := save == saves+1
		if point == "before the counters are kept" && first || point == "before shown is kept" && !first {
			panic(cut{})
		}
		return false, true
	}
	d.flash.onKept = func(save int) {
		first := save == saves+1
		if point == "after the counters are kept" && first || point == "after shown is kept" && !first {
			panic(cut{})
		}
	}
	d.pane.onShow = func() {
		if point == "while the view is drawn" {
			panic(cut{})
		}
	}
}

func (d *desk) mend() { d.flash.fail, d.flash.onKept, d.pane.onShow = nil, nil, nil }

// Power is lost at each effect of a payment. What the payer sees when the phone
// sends it again: it is as if new, or it has been shown, or it is lost and he
// asks for another code. It never shows twice.
func TestLossOfPowerAtEveryEffect(t *testing.T) {
	tests := []struct {
		point string
		seen  int            // times the code was on the prompt before the loss
		again dyncode.Reason // to the same message after it; 0 for a receipt
		total int            // times it was on the prompt in the end
	}{
		{"before the counters are kept", 0, 0, 1},
		{"after the counters are kept", 0, dyncode.RefusedCounter, 0},
		{"while the view is drawn", 0, dyncode.RefusedCounter, 0},
		{"before shown is kept", 1, dyncode.RefusedCounter, 1},
		{"after shown is kept", 1, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.point, func(t *testing.T) {
			d := newDesk(dyncode.CardSealed)
			p := d.bound(t, 1)
			message := p.seal(raw(9), d.bank.part(raw(9), payment("123456")))
			before := len(d.pane.seen)
			d.cutAt(tt.point)
			if _, lost := d.handleUntilCut(message); !lost {
				t.Fatal("the power did not go")
			}
			d.mend()
			if got := len(d.pane.seen) - before; got != tt.seen {
				t.Errorf("seen before the loss: got %d, want %d", got, tt.seen)
			}
			d.reboot(t)
			if v := d.device.View(); v.Scene != SceneIdle {
				t.Errorf("after the loss: got scene %d", v.Scene)
			}
			if tt.again == 0 {
				d.wantReceipt(t, message, dyncode.Shown)
			} else {
				d.wantRefusal(t, message, tt.again)
			}
			if got := len(d.pane.seen) - before; got != tt.total {
				t.Errorf("seen in all: got %d, want %d", got, tt.total)
			}
			d.wantReceipt(t, p.seal(raw(10), d.bank.part(raw(10), payment("654321"))), dyncode.Shown)
		})
	}
}

// A binding that is cut off leaves the old phone, or both, but never none.
func TestLossOfPowerWhileBinding(t *testing.T) {
	for _, point := range []string{
		"before the counters are kept", "after the counters are kept",
		"while the view is drawn", "before shown is kept", "after shown is kept",
	} {
		d := newDesk(dyncode.CardSealed)
		old, next := d.bound(t, 1), newPhone(d.identity, 2)
		d.cutAt(point)
		if _, lost := d.handleUntilCut(d.bank.direct(raw(9), next.bind("111111"))); !lost {
			t.Fatal("the power did not go")
		}
		d.mend()
		d.reboot(t)
		d.wantReceipt(t, old.seal(raw(10), d.bank.part(raw(10), payment("123456"))), dyncode.Shown)
	}
}

// When "shown" cannot be kept, the code is on the prompt all the same, and the
// receipt says what is true.
func TestShownThatCannotBeKept(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := d.bound(t, 1)
	saves := d.flash.saves
	d.flash.fail = func(save int) (bool, bool) { return save == saves+2, save != saves+2 }
	message := p.seal(raw(9), d.bank.part(raw(9), payment("123456")))
	d.wantReceipt(t, message, dyncode.Shown)
	d.wantReceipt(t, message, dyncode.Shown)
	d.reboot(t)
	d.wantRefusal(t, message, dyncode.RefusedCounter)
}

// A save that fails may have been kept all the same. Nothing was shown, so the
// message may come again as long as the power stays.
func TestFailedSaveThatWasKept(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := d.bound(t, 1)
	message := p.seal(raw(9), d.bank.part(raw(9), payment("123456")))
	d.flash.fail = func(int) (bool, bool) { return true, true }
	d.wantRefusal(t, message, dyncode.RefusedStorage)
	d.mend()
	d.wantReceipt(t, message, dyncode.Shown)

	second := p.seal(raw(10), d.bank.part(raw(10), payment("654321")))
	d.flash.fail = func(int) (bool, bool) { return true, true }
	d.wantRefusal(t, second, dyncode.RefusedStorage)
	d.mend()
	d.reboot(t)
	d.wantRefusal(t, second, dyncode.RefusedCounter)
}
