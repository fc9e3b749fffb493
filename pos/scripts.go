package pos

import (
	"context"
	"strconv"

	"sotto/apdu"
	"sotto/emv"
)

// deliver tells the chip what the bank has said, if it is still there, and hands
// on the bank's commands (EMV 4.4 Book 3, 10.9 and 10.10), after a decline too. The
// payment is decided by then; whatever fails here changes nothing about it.
func (x *transaction) deliver(a answer) {
	if len(a.issuerAuth) == 0 && len(a.script) == 0 {
		return
	}
	ctx, cancel := x.chipTime()
	defer cancel()
	if x.authenticate(ctx, a) {
		x.runScript(ctx, a.script)
	}
	if x.chip.gone {
		x.trace.step("The chip did not wait for the bank's answer; that does no harm.")
	}
}

// authenticate sends EXTERNAL AUTHENTICATE. It reports whether the chip believes
// that the answer is from its bank.
func (x *transaction) authenticate(ctx context.Context, a answer) bool {
	if len(a.issuerAuth) == 0 {
		return true
	}
	r, err := x.chip.exchange(ctx, authenticateCommand(a.issuerAuth), about{
		why: "Shows the chip that the answer comes from its bank.",
	})
	return err == nil && r.Status.OK()
}

// runScript hands the commands of a script to the chip one by one. The first
// that fails is the last.
func (x *transaction) runScript(ctx context.Context, b []byte) (ok bool) {
	if len(b) == 0 {
		return true
	}
	script, err := emv.ParseScript(b)
	if err != nil {
		x.trace.step("The bank's script cannot be read, and is not handed on.")
		return false
	}
	for i, raw := range script.Commands {
		command, err := apdu.Parse(raw)
		if err != nil {
			return false
		}
		r, err := x.chip.exchange(ctx, command, about{why: "Hands on command " + strconv.Itoa(i+1) + " of the bank's script."})
		if err != nil || !r.Status.OK() && !r.Status.Warning() {
			x.trace.step("The chip has not carried out the bank's script.")
			return false
		}
	}
	return true
}
