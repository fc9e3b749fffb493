package world_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"sotto/bankapi"
	"sotto/link"
	"sotto/pos"
	"sotto/pos/journal"
	"sotto/sim/bolt"
	"sotto/world"
)

func yesterday() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// usual are two purses, of which the first is nearly empty, and an account.
func usual() []world.Applet {
	return []world.Applet{
		{Kind: bankapi.AppletPurse, Load: 500, Most: 1_000_000},
		{Kind: bankapi.AppletPurse, Load: 50_000, Most: 1_000_000},
		{Kind: bankapi.AppletAccount},
	}
}

func open(t testing.TB, change func(*world.Options)) *world.World {
	t.Helper()
	o := world.Options{Dir: t.TempDir(), Applets: usual(), Now: yesterday, Random: rand.Reader}
	if change != nil {
		change(&o)
	}
	w, err := world.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// rest brings the world to an end and audits it.
func rest(t testing.TB, w *world.World) {
	t.Helper()
	if err := w.Rest(t.Context()); err != nil {
		t.Fatalf("bring to an end: %v", err)
	}
	if err := w.Audit(t.Context()); err != nil {
		t.Errorf("audit: %v", err)
	}
}

// class is a kind of reader, and an amount that one of the applets can pay there.
type class struct {
	name       string
	face       link.Interface
	withoutSPI bool
	offline    bool
	minor      int64
	want       pos.Reason
}

var classes = []class{
	{"a, purse", link.Contactless, false, false, 1_234, pos.OfflineProved},
	{"a, purse, offline", link.Contactless, false, true, 1_234, pos.OfflineProved},
	{"a, account", link.Contactless, false, false, 60_000, pos.BankApproved},
	{"b, second purse", link.Contactless, true, false, 1_234, pos.OfflineProved},
	{"b, account", link.Contactless, true, false, 60_000, pos.BankApproved},
	{"c, purse", link.Contact, false, false, 123, pos.OfflineProved},
	{"c, purse, offline", link.Contact, false, true, 123, pos.OfflineProved},
}

// A SIM that the bank has issued pays at every class of terminal, and everybody
// agrees on it in the evening.
func TestEveryClassPays(t *testing.T) {
	w := open(t, nil)
	for n, c := range classes {
		if err := w.Till.Restart(c.withoutSPI, c.offline); err != nil {
			t.Fatal(err)
		}
		w.Reader.Face = c.face
		r, err := w.Till.Sell(t.Context(), fmt.Sprint("S-", n), c.minor)
		if err != nil || r.Reason != c.want {
			t.Errorf("%s: got %s: %v", c.name, r.Reason, err)
		}
	}
	w.Reader.Face = link.Contactless
	if err := w.Till.Restart(false, true); err != nil {
		t.Fatal(err)
	}
	if r, err := w.Till.Sell(t.Context(), "too-much", 60_000); err != nil || r.Reason != pos.ShortBalance && r.Outcome == pos.Approved {
		t.Errorf("got %s: %v", r.Reason, err)
	}
	rest(t, w)
	if len(w.Till.Sold) < len(classes) {
		t.Errorf("%d sold", len(w.Till.Sold))
	}
}

// A bank's no tells the chip what the account has, at either kind of reader: the
// purse pays from then on, until the chip has heard that the account was filled up.
func TestAnAccountIsTakenForWhatItHas(t *testing.T) {
	for _, face := range []link.Interface{link.Contactless, link.Contact} {
		t.Run(face.String(), func(t *testing.T) {
			w := open(t, nil)
			purse, account := w.Issued[1], w.Issued[2]
			if err := w.SIM.Device.Prefer(account.AID); err != nil {
				t.Fatal(err)
			}
			move := func(from, to string, minor int64) {
				t.Helper()
				if _, err := w.Bank.Issuer.CreateTransfer(t.Context(), bankapi.CreateTransfer{Debit: from, Credit: to, Amount: minor, Currency: "CNY"}); err != nil {
					t.Fatal(err)
				}
			}
			knows := func(want int64) {
				t.Helper()
				if said, err := w.Refresh(t.Context(), account); err != nil || said.Available != want {
					t.Fatalf("got %+v, want %d: %v", said, want, err)
				}
			}
			sells := func(order string, by world.Issued, want pos.Reason) {
				t.Helper()
				w.Reader.Face = face
				r, err := w.Till.Sell(t.Context(), order, 1_200)
				if err != nil || r.Reason != want || !bytes.Equal(r.AID, by.AID) {
					t.Errorf("%s: got %s with %X, want %s with %X: %v", order, r.Reason, r.AID, want, by.AID, err)
				}
			}
			has, err := w.Bank.Issuer.Account(t.Context(), w.Bank.Payer)
			if err != nil {
				t.Fatal(err)
			}
			knows(has.Balance)
			move(w.Bank.Payer, w.Bank.Vault, has.Balance-100)
			sells("S-1", account, pos.BankDeclined)
			sells("S-2", purse, pos.OfflineProved)
			move(w.Bank.Vault, w.Bank.Payer, 32_000)
			sells("S-3", purse, pos.OfflineProved)
			knows(32_100)
			sells("S-4", account, pos.BankApproved)
			move(w.Bank.Vault, w.Bank.Payer, has.Balance-32_100) // as it was, for the audit
			rest(t, w)
		})
	}
}

// An account over contacts, which is the preferred applet there.
func TestAnAccountOverContacts(t *testing.T) {
	w := open(t, nil)
	if err := w.SIM.Device.Prefer(w.Issued[2].AID); err != nil {
		t.Fatal(err)
	}
	w.Reader.Face = link.Contact
	r, err := w.Till.Sell(t.Context(), "S-1", 60_000)
	if err != nil || r.Reason != pos.BankApproved || !bytes.Equal(r.AID, w.Issued[2].AID) {
		t.Errorf("got %s with %X: %v", r.Reason, r.AID, err)
	}
	rest(t, w)
}

// until takes a payment, again and again as long as the till says so.
func until(t testing.TB, w *world.World, order string, minor int64) pos.Result {
	t.Helper()
	for range 10 {
		r, err := w.Till.Sell(t.Context(), order, minor)
		if err != nil {
			t.Fatal(err)
		}
		if r.Outcome != pos.TryAgain || r.Reason == pos.Unproved {
			return r
		}
		w.Reader.Pull(0, false)
	}
	t.Fatal("it is to be tried again for ever")
	return pos.Result{}
}

// The SIM is pulled away before and after each command of each class, and put
// back: the sale is paid once.
func TestEveryCutIsPaidOnce(t *testing.T) {
	w := open(t, func(o *world.Options) { o.Applets[0].Load, o.Applets[1].Load = 900_000, 900_000 })
	for _, c := range classes {
		if err := w.Till.Restart(c.withoutSPI, c.offline); err != nil {
			t.Fatal(err)
		}
		w.Reader.Face = c.face
		minor := min(c.minor, 60_000) / 10
		for at := 1; at <= 14; at++ {
			for _, after := range []bool{false, true} {
				w.Reader.Pull(at, after)
				r := until(t, w, fmt.Sprint(c.name, at, after), minor)
				if c.offline && r.Reason == pos.Unproved {
					continue // the bank will prove it when it can be asked
				}
				if r.Outcome != pos.Approved {
					t.Fatalf("%s, cut at %d, answer lost %v: %s", c.name, at, after, r.Reason)
				}
			}
		}
	}
	rest(t, w)
	if n := len(w.Till.Sold); n < 2*14*len(classes) {
		t.Errorf("%d sold", n)
	}
}

// The same on disks: bbolt under the SIM, the journal in its folder.
func TestEverythingOnDisk(t *testing.T) {
	store, err := bolt.Create(filepath.Join(t.TempDir(), "sim"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	kept, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	w := open(t, func(o *world.Options) { o.Store, o.Journal = store, kept })
	for at := 1; at <= 9; at++ {
		w.Reader.Face = link.Contactless
		w.Reader.Pull(at, at%2 == 0)
		if r := until(t, w, fmt.Sprint("S-", at), 100); r.Outcome != pos.Approved {
			t.Errorf("cut at %d: %s", at, r.Reason)
		}
		if err := w.Till.Restart(false, false); err != nil {
			t.Fatal(err)
		}
	}
	rest(t, w)
}

var (
	cuts = flag.Int("cuts", 10_000, "how often TestRandomCuts breaks something")
	seed = flag.Uint64("seed", 0, "with what TestRandomCuts begins; 0 draws one")
)

// Everything breaks at random: the SIM is pulled away, loses its power inside a
// commit, the till loses its power inside a write, questions and answers are
// lost, customers walk off and come back, loads are torn. In the end everybody
// has what he should have.
func TestRandomCuts(t *testing.T) {
	s := *seed
	if s == 0 {
		s = mathrand.Uint64()
	}
	t.Logf("-seed=%d -cuts=%d", s, *cuts)
	g := &gambler{t: t, w: open(t, nil), random: mathrand.New(mathrand.NewPCG(s, 0))}
	for g.broken < *cuts && !t.Failed() {
		g.day()
	}
	rest(t, g.w)
	t.Logf("%d broken, %d sales, %d sold, %d walked off, %d loads, %d settlements", g.broken, g.sales, len(g.w.Till.Sold), g.left, g.loads, g.settled)
	if len(g.w.Till.Sold) < g.sales/4 || g.left == 0 {
		t.Error("too little has happened")
	}
}

type gambler struct {
	t      testing.TB
	w      *world.World
	random *mathrand.Rand

	broken, sales, left, loads, settled int
}

// one is true once in n times.
func (g *gambler) one(n int) bool { return g.random.IntN(n) == 0 }

// day is some sales, loads and uploads.
func (g *gambler) day() {
	for range 5 {
		g.sale()
	}
	if g.one(2) {
		g.load()
	}
	g.break1(0)
	done, err := g.w.Till.Upload(context.Background())
	g.nothingStuck(done)
	g.afterwards(err)
	if g.one(4) {
		g.settled++
		g.break1(0)
		done, err := g.w.Till.Settle(context.Background())
		g.nothingStuck(done.Uploaded)
		g.afterwards(err)
	}
	if g.one(30) {
		rest(g.t, g.w)
	}
}

// nothingStuck: among honest devices the bank pays everything.
func (g *gambler) nothingStuck(done pos.Uploaded) {
	if n := len(done.Stuck) + len(done.Refused) + len(done.Disputed); n > 0 {
		g.t.Errorf("the bank does not pay %d taps", n)
	}
}

// break1 arranges for something to break, or not.
func (g *gambler) break1(chip int) {
	w := g.w
	w.Reader.Pull(0, false)
	w.SIM.CutPower(0, false)
	w.Bank.Line.Lose(0, 0)
	w.Till.CutPower(0, false)
	switch after := g.one(2); g.random.IntN(6) {
	case 0:
	case 1, 2:
		w.Reader.Pull(1+g.random.IntN(14), after)
		g.broken += chip
	case 3:
		w.SIM.CutPower(1+g.random.IntN(3), after)
		g.broken += chip
	case 4:
		w.Till.CutPower(1+g.random.IntN(3), after)
		g.broken++
	case 5:
		w.Bank.Line.Lose(g.random.IntN(2), g.random.IntN(2))
		g.broken++
	}
}

// afterwards starts the till anew if it has lost its power.
func (g *gambler) afterwards(err error) {
	if err == nil && !g.one(10) {
		return
	}
	if err := g.w.Till.Restart(g.one(3), g.one(4)); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gambler) sale() {
	g.sales++
	order, minor := fmt.Sprint("S-", g.sales), int64(1+g.random.IntN(900))
	if g.one(5) {
		minor = int64(40_000 + g.random.IntN(60_000))
	}
	for range 8 {
		g.w.Reader.Face = link.Contactless
		if g.one(3) {
			g.w.Reader.Face = link.Contact
		}
		g.break1(1)
		r, err := g.w.Till.Sell(context.Background(), order, minor)
		g.afterwards(err)
		if err == nil && r.Outcome != pos.TryAgain && r.Outcome != pos.Declined {
			return
		}
		if g.one(6) {
			g.left++
			return // the customer walks off
		}
	}
}

func (g *gambler) load() {
	g.loads++
	g.break1(1)
	purse := g.w.Issued[g.random.IntN(2)]
	// A load that breaks is resolved by the purse's next cryptogram.
	_, _ = g.w.Load(context.Background(), purse, int64(1+g.random.IntN(20_000)))
}
