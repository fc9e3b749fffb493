package bankapi_test

import (
	"errors"
	"strings"
	"testing"

	"sotto/bankapi"
)

func goodKey() bankapi.CAKey {
	return bankapi.CAKey{RID: "f0736f7474", Index: 1, Modulus: "c1" + strings.Repeat("5b", 174) + "01", Exponent: 65537, Expires: "2049-12"}
}

// What the bank hands out, a terminal can use.
func TestAuthority(t *testing.T) {
	ca, err := goodKey().Authority()
	if err != nil {
		t.Fatal(err)
	}
	if string(ca.RID[:]) != "\xf0sott" || ca.Index != 1 || ca.Key.Size() != 176 || ca.Expiry.String() != "2049-12" {
		t.Errorf("got %X, %d, %d bytes, %v", ca.RID, ca.Index, ca.Key.Size(), ca.Expiry)
	}
	if e := ca.Key.Exponent(); len(e) != 3 || e[0] != 1 || e[2] != 1 {
		t.Errorf("exponent: got %X", e)
	}
	small := goodKey()
	small.Exponent = 3
	if ca, err = small.Authority(); err != nil || len(ca.Key.Exponent()) != 1 {
		t.Errorf("exponent 3: got %X, %v", ca.Key.Exponent(), err)
	}
}

func TestAuthorityRefuses(t *testing.T) {
	for name, change := range map[string]func(*bankapi.CAKey){
		"no RID":             func(k *bankapi.CAKey) { k.RID = "" },
		"a long RID":         func(k *bankapi.CAKey) { k.RID += "00" },
		"no hex":             func(k *bankapi.CAKey) { k.RID = "f0736f747g" },
		"no modulus":         func(k *bankapi.CAKey) { k.Modulus = "" },
		"an even modulus":    func(k *bankapi.CAKey) { k.Modulus = k.Modulus[:len(k.Modulus)-2] + "00" },
		"an index of a word": func(k *bankapi.CAKey) { k.Index = 256 },
		"an index below":     func(k *bankapi.CAKey) { k.Index = -1 },
		"exponent 2":         func(k *bankapi.CAKey) { k.Exponent = 2 },
		"no exponent":        func(k *bankapi.CAKey) { k.Exponent = 0 },
		"a huge exponent":    func(k *bankapi.CAKey) { k.Exponent = 1 << 24 },
		"no month":           func(k *bankapi.CAKey) { k.Expires = "2049" },
		"a month too far":    func(k *bankapi.CAKey) { k.Expires = "2050-01" },
	} {
		k := goodKey()
		change(&k)
		if _, err := k.Authority(); !errors.Is(err, bankapi.ErrCAKey) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
