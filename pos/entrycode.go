package pos

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"

	"sotto/bankapi"
)

// entryCode is an entry as it stands in the journal.
type entryCode struct {
	Version int `json:"version"`

	State     State          `json:"state"`
	Batch     int            `json:"batch,omitempty"`
	Receipt   Receipt        `json:"receipt"`
	Chip      string         `json:"chip,omitempty"`
	Key       string         `json:"key,omitempty"`
	Exponent  string         `json:"exponent,omitempty"`
	Signature string         `json:"signature,omitempty"`
	Reason    bankapi.Reason `json:"reason,omitempty"`
}

const entryVersion = 1

// encode writes an entry. Nothing but the journal may see it: it has the card
// number in clear.
func (e Entry) encode() []byte {
	code := entryCode{Version: entryVersion, State: e.State, Batch: e.Batch, Receipt: e.Receipt, Reason: e.Reason}
	if e.Chip != nil {
		code.Chip = e.Chip.Hex()
	}
	if e.Proof != nil {
		code.Key, code.Exponent = hex.EncodeToString(e.Proof.Key), hex.EncodeToString(e.Proof.Exponent)
		code.Signature = hex.EncodeToString(e.Proof.Signature)
	}
	return marshal(code)
}

// parseEntry reads what encode wrote. Its errors have no value in them.
func parseEntry(number uint64, b []byte) (Entry, error) {
	var code entryCode
	if err := unmarshal(b, &code); err != nil || code.Version != entryVersion || !code.State.known() || code.Batch < 0 || code.Batch > batchMax {
		return Entry{}, ErrEntry
	}
	e := Entry{Number: number, State: code.State, Batch: code.Batch, Receipt: code.Receipt, Reason: code.Reason}
	if code.Receipt.Amount.Check() != nil {
		return Entry{}, ErrEntry
	}
	if code.Chip != "" {
		chip, err := bankapi.ParseChipData(code.Chip)
		if err != nil {
			return Entry{}, ErrEntry
		}
		e.Chip = &chip
	}
	if code.Key != "" {
		key, err1 := hex.DecodeString(code.Key)
		exponent, err2 := hex.DecodeString(code.Exponent)
		signature, err3 := hex.DecodeString(code.Signature)
		if errors.Join(err1, err2, err3) != nil {
			return Entry{}, ErrEntry
		}
		e.Proof = &Proof{Key: key, Exponent: exponent, Signature: signature}
	}
	if e.needsChip() && e.Chip == nil || e.State == Found && e.Proof == nil {
		return Entry{}, ErrEntry
	}
	return e, nil
}

func (s State) known() bool {
	switch s {
	case Open, Found, StateApproved, Asked, Authorized, Reversing, Stuck, Posted, Disputed, Refused:
		return true
	}
	return false
}

// needsChip reports whether the bank has still to be told of the chip.
func (e Entry) needsChip() bool {
	switch e.State {
	case Open, Found, StateApproved, Asked, Reversing:
		return true
	case Authorized, Stuck, Posted, Disputed, Refused:
	}
	return false
}

// ledger is what the terminal remembers beside its entries: value number 0.
type ledger struct {
	Version int    `json:"version"`
	Next    uint64 `json:"next"`   // number of the next entry
	Batch   int    `json:"batch"`  // that taps are now counted in
	Closed  []int  `json:"closed"` // batches to be settled, oldest first
	Money   string `json:"money"`  // currency of the batch
}

func (l ledger) encode() []byte { return marshal(l) }

func parseLedger(b []byte) (ledger, error) {
	var l ledger
	if err := unmarshal(b, &l); err != nil || l.Version != entryVersion || l.Next == 0 || l.Batch < 1 || l.Batch > batchMax {
		return ledger{}, ErrEntry
	}
	return l, nil
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("pos: " + err.Error()) // plain fields only
	}
	return b
}

func unmarshal(b []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return ErrEntry
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return ErrEntry
	}
	return nil
}
