package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"sotto/money"
)

// walletPlan is a wallet and what is to be paid with it, as they are drawn. The
// oracle sees nothing else of it.
type walletPlan struct {
	number    int
	applets   []appletPlan
	preferred int // index of the default card
	policy    string
	amount    int64 // minor units
	currency  money.Currency
	offline   bool // the till has no bank to ask
}

// appletPlan is one applet of a wallet.
type appletPlan struct {
	aid      []byte
	account  bool // else a purse
	priority byte // 1 first; 0 is none
	currency money.Currency
	balance  int64 // minor units, of a purse or at the bank
	tapMax   int64
	expiry   int // the last day of use, as 20311231
	state    appletState
}

// appletState is what somebody has done to an applet.
type appletState byte

const (
	stateReady   appletState = iota
	stateTorn                // the last debit was torn, and does not count
	stateHeld                // locked by the holder
	stateLocked              // by the issuer, through the card manager
	stateBlocked             // by the issuer, with a script
	stateBare                // installed, and never personalised
)

var stateNames = [...]string{"", "torn", "locked by the holder", "locked by the issuer", "blocked", "not personalised"}

// The day of all taps.
const (
	choiceYear, choiceMonth, choiceDay = 2026, 11, 22
	choiceToday                        = choiceYear*10000 + choiceMonth*100 + choiceDay
)

// Limits of what is drawn, in minor units.
const (
	walletApplets  = 8       // unless more are asked for
	purseMost      = 100_000 // JR/T 0025.13 leaves it to the issuer; a thousand is usual
	accountMost    = 1_000_000_000
	saleMost       = 2_000_000
	unlimitedByTap = 999_999_999_999
)

// drawWallet draws wallet number i of a seed: the same each time, whichever
// worker asks.
// They have as many applets as people may have, or, where most is more than that,
// up to so many more.
func drawWallet(seed uint64, i, most int) walletPlan {
	d := drawer{rand.New(rand.NewPCG(seed, uint64(i)))} //nolint:gosec // wallets that are to be drawn again
	w := walletPlan{
		number: i, amount: d.amount(2800, 1.1, saleMost), currency: d.currency(97),
		policy: pick(d, []string{"preferred", "preferred", "preferred", "best-fit", "most-left", "fixed"}),
	}
	for range d.size(most) {
		w.applets = append(w.applets, d.applet(len(w.applets)))
	}
	w.preferred = d.IntN(len(w.applets))
	if d.share(8) { // where rules are easily wrong: at the limit itself, and one beside it
		a := &w.applets[d.IntN(len(w.applets))]
		edge := max(0, w.amount-1+d.Int64N(3))
		if d.share(50) {
			a.balance = min(edge, a.most())
		} else {
			a.tapMax = min(edge, a.most())
		}
	}
	return w
}

// sizes are how often in a hundred a wallet has one applet, two, and so on.
var sizes = [walletApplets]int{10, 18, 21, 18, 13, 9, 6, 5}

func (d drawer) size(most int) int {
	if most > walletApplets {
		return walletApplets + 1 + d.IntN(most-walletApplets)
	}
	n := d.IntN(100)
	for i, often := range sizes {
		if n -= often; n < 0 {
			return i + 1
		}
	}
	return walletApplets
}

// drawer draws what wallets are like.
type drawer struct{ *rand.Rand }

// share is true so often in a hundred.
func (d drawer) share(percent int) bool { return d.IntN(100) < percent }

func pick[T any](d drawer, of []T) T { return of[d.IntN(len(of))] }

// amount is distributed as prices and balances are: its logarithm is normal.
func (d drawer) amount(median, spread float64, most int64) int64 {
	return min(max(int64(math.Exp(math.Log(median)+spread*d.NormFloat64())), 1), most)
}

// currency is the home currency so often in a hundred.
func (d drawer) currency(home int) money.Currency {
	if d.share(home) {
		return money.CNY
	}
	return pick(d, []money.Currency{money.HKD, money.EUR, money.USD})
}

func (d drawer) applet(slot int) appletPlan {
	a := appletPlan{account: d.share(40), currency: d.currency(94), expiry: d.expiry(), aid: d.aid(slot)}
	if d.share(85) {
		a.priority = byte(1 + d.IntN(15))
	}
	if a.account {
		a.balance = d.amount(150_000, 1.8, accountMost)
		a.tapMax = pick(d, []int64{unlimitedByTap, unlimitedByTap, unlimitedByTap, 100_000, 500_000})
	} else {
		a.balance = d.amount(10_000, 1.1, purseMost)
		a.tapMax = pick(d, []int64{purseMost, purseMost, 50_000, 30_000})
	}
	if d.share(4) {
		a.balance = 0
	}
	a.state = d.state()
	if spoiled := a.state == stateTorn || a.state == stateBlocked; spoiled && a.expiry < choiceToday {
		a.state = stateReady // an applet that has expired begins nothing that could be torn or answered
	}
	if a.state == stateTorn && (a.account || a.balance == 0) {
		a.state = stateReady
	}
	return a
}

func (a appletPlan) most() int64 {
	if a.account {
		return accountMost
	}
	return purseMost
}

// aid is one of ours, with a tail of any length. Some are the beginning of
// others, as AIDs may be.
func (d drawer) aid(slot int) []byte {
	aid := append([]byte("\xF0sotto"), byte(1+slot%2))
	if slot >= 2 || d.share(70) {
		aid = append(aid, 0, byte(slot+1))
	}
	for range d.IntN(17 - len(aid)) {
		aid = append(aid, byte(d.IntN(256)))
	}
	return aid
}

// expiry is a day that is over, yesterday, today, or the end of a month to come.
func (d drawer) expiry() int {
	switch n := d.IntN(100); {
	case n < 2:
		return 20260630
	case n < 3:
		return choiceToday - 1
	case n < 5:
		return choiceToday
	}
	return pick(d, []int{20261231, 20270831, 20291130, 20311231})
}

func (d drawer) state() appletState {
	switch n := d.IntN(100); {
	case n < 3:
		return stateTorn
	case n < 6:
		return stateHeld
	case n < 8:
		return stateLocked
	case n < 9:
		return stateBlocked
	case n < 10:
		return stateBare
	}
	return stateReady
}

// String is the wallet for a person who looks for a fault.
func (w walletPlan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "wallet %d, policy %s, pays %v with", w.number, w.policy, money.Amount{Minor: w.amount, Currency: w.currency})
	for i, a := range w.applets {
		mark, kind := "", "purse"
		if i == w.preferred {
			mark = " (default)"
		}
		if a.account {
			kind = "account"
		}
		fmt.Fprintf(&b, " [%X%s %s %v, at most %d a tap, until %d", a.aid, mark, kind, money.Amount{Minor: a.balance, Currency: a.currency}, a.tapMax, a.expiry)
		if name := stateNames[a.state]; name != "" {
			b.WriteString(", " + name)
		}
		b.WriteString("]")
	}
	return b.String()
}
