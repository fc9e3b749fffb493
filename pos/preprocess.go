package pos

import "sotto/emv"

// combination is an application of the terminal with what pre-processing has
// found for one amount.
type combination struct {
	Application

	allowed bool // "contactless application not allowed" is not set
	holder  bool // the holder must be verified
}

// preprocess is done for each application before the field comes on (EMV
// Contactless Book B, 3.1.1). Steps about a status check (3) and an amount of
// zero (4, 11) are left out: this terminal does neither.
func (s Settings) preprocess(amount int64, online bool) []combination {
	list := make([]combination, len(s.Applications))
	for i, a := range s.Applications {
		c := combination{Application: a, allowed: true}
		c.TTQ = s.qualifiers(a.TTQ, online)
		if a.TapMax != 0 && amount >= a.TapMax { // 5
			c.allowed = false
		}
		if a.FloorLimit != 0 && amount > a.FloorLimit { // 6, 9
			c.TTQ |= emv.TTQOnlineRequired
		}
		if a.HolderMin != 0 && amount >= a.HolderMin { // 8, 12
			c.holder = true
			c.TTQ |= emv.TTQCVMRequired
		}
		list[i] = c
	}
	return list
}

// qualifiers are the TTQ to begin with, in which the two bits of byte 2 that
// depend on the amount are not set (3.1.1, 2).
func (s Settings) qualifiers(configured emv.TTQ, online bool) emv.TTQ {
	t := configured
	if t == 0 {
		t = emv.TTQQPBOC | emv.TTQContact | emv.TTQFDDA01
		if s.Signature {
			t |= emv.TTQSignature
		}
	}
	if !online {
		t |= emv.TTQOfflineOnly
	}
	return t &^ (emv.TTQOnlineRequired | emv.TTQCVMRequired)
}

func anyAllowed(list []combination) bool {
	for _, c := range list {
		if c.allowed {
			return true
		}
	}
	return false
}
