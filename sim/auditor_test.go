package sim_test

import (
	"fmt"
	"testing"

	"sotto/link"
)

// auditor counts a purse's money from outside, by its own reading of the bytes:
// it shares no code with the device.
type auditor struct {
	balance int64
	records []auditRecord // the newest first
}

type auditRecord struct {
	atc              uint16
	amount, balance  int64
	kind             byte
	un, ac, cardAuth string
}

// decimal reads digits, two in a byte.
func decimal(b []byte) (n int64, err error) {
	for _, x := range b {
		if x>>4 > 9 || x&15 > 9 {
			return 0, fmt.Errorf("no digits: % x", b)
		}
		n = n*100 + int64(x>>4)*10 + int64(x&15)
	}
	return n, nil
}

// audit reads balance and log over a fresh contact.
func audit(t testing.TB, w *wallet, aid []byte) auditor {
	t.Helper()
	w.device.Reset(link.Contact)
	say := func(command ...byte) []byte {
		r := w.device.Transmit(command)
		if n := len(r); n < 2 {
			t.Fatal("no status")
		}
		return r
	}
	ok := func(r []byte) bool { return r[len(r)-2] == 0x90 && r[len(r)-1] == 0 }
	if r := say(append([]byte{0x00, 0xA4, 4, 0, byte(len(aid))}, aid...)...); !ok(r) && r[len(r)-2] != 0x61 && r[len(r)-2] != 0x62 {
		t.Fatalf("select: % X", r)
	}
	var a auditor
	r := say(0x80, 0xCA, 0x9F, 0x79, 0)
	if !ok(r) || len(r) != 3+6+2 || r[0] != 0x9F || r[1] != 0x79 || r[2] != 6 {
		t.Fatalf("balance: % X", r)
	}
	var err error
	if a.balance, err = decimal(r[3:9]); err != nil {
		t.Fatal(err)
	}
	for number := byte(1); number <= 10; number++ {
		r := say(0x00, 0xB2, number, 11<<3|4, 0)
		if !ok(r) {
			break
		}
		if len(r) != 42 {
			t.Fatalf("log: % X", r)
		}
		x := auditRecord{
			atc: uint16(r[0])<<8 | uint16(r[1]), kind: r[13],
			un: string(r[14:18]), ac: string(r[18:26]), cardAuth: string(r[26:34]),
		}
		if x.amount, err = decimal(r[2:8]); err != nil {
			t.Fatal(err)
		}
		if x.balance, err = decimal(r[34:40]); err != nil {
			t.Fatal(err)
		}
		a.records = append(a.records, x)
	}
	a.check(t)
	return a
}

// check adds the log up: each balance follows from the one before, and the last
// one is what the purse says that it has.
func (a auditor) check(t testing.TB) {
	t.Helper()
	for i, x := range a.records {
		if i == 0 && x.balance != a.balance {
			t.Errorf("the log ends with %d, the purse has %d", x.balance, a.balance)
		}
		if i+1 == len(a.records) {
			return
		}
		before := a.records[i+1]
		want := before.balance - x.amount
		if x.kind == 0x63 {
			want = before.balance + x.amount
		}
		if x.balance != want || x.atc < before.atc {
			t.Errorf("record %d: balance %d behind %d, want %d; ATC %d behind %d", i+1, x.balance, before.balance, want, x.atc, before.atc)
		}
	}
}
