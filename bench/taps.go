package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"sotto/bank"
	"sotto/bank/sqlite"
	"sotto/bankapi"
)

// TapOptions of Taps.
type TapOptions struct {
	Taps        int // in all
	Each        int // of one upload
	Connections int // terminals that upload at once, each with a merchant's key
	Purses      int

	Data     string
	Log      *slog.Logger
	Progress io.Writer
	Profile  func() (stop func() error, err error)
}

// TapResult is what Taps has measured.
type TapResult struct {
	Machine Machine `json:"machine"`

	Taps          int     `json:"taps"`
	Each          int     `json:"taps_per_upload"`
	Connections   int     `json:"connections"`
	Purses        int     `json:"purses"`
	Seconds       float64 `json:"seconds"`
	TapsPerSecond float64 `json:"taps_per_second"`
	Upload        Latency `json:"upload"` // of one, answered when it is durable

	Commits     int64   `json:"commits"`
	Cores       float64 `json:"cores_used"`
	CPU         float64 `json:"cpu_per_tap"` // µs, both sides
	OthersCores float64 `json:"cores_used_by_others"`
	Written     float64 `json:"written_per_tap"` // bytes

	Settled int64    `json:"settled"` // minor units, of all batches
	Owed    int64    `json:"tapped"`  // minor units, of all cryptograms
	Faults  []string `json:"faults"`
}

// Taps measures offline debits: cryptograms verified, posted once, durable when
// answered. The cryptograms are made before: that is the chips' work. When the
// load ends every batch is settled, the database is opened anew, and its books
// are checked.
func Taps(ctx context.Context, o TapOptions) (r TapResult, err error) {
	r = TapResult{
		Machine: describeMachine(o.Data), Taps: o.Taps, Each: o.Each, Connections: o.Connections, Purses: o.Purses, Faults: []string{},
	}
	s, err := openSite(ctx, Options{Data: o.Data, Log: o.Log, Phones: 1})
	if err != nil {
		return r, err
	}
	l := &tapLoad{site: s, o: o}
	if err = l.prepare(ctx); err == nil {
		err = l.run(&r)
	}
	if err == nil {
		err = l.settle(ctx, &r)
	}
	if err = errors.Join(err, s.close()); err != nil {
		return r, err
	}
	return r, l.verify(ctx, &r)
}

// tapLoad is the load at work.
type tapLoad struct {
	site      *site
	o         TapOptions
	terminals []*terminal
}

// terminal uploads what it has ready.
type terminal struct {
	merchant merchant
	uploads  [][]byte
	count    int64
	amount   int64
}

func (l *tapLoad) prepare(ctx context.Context) error {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(l.o.Progress, format+"\n", args...) }
	say("issuing and loading %d purses", l.o.Purses)
	purses, err := l.purses(ctx)
	if err != nil {
		return err
	}
	for i := range l.o.Connections {
		m, err := newMerchant(ctx, l.site, i)
		if err != nil {
			return err
		}
		l.terminals = append(l.terminals, &terminal{merchant: m})
	}
	say("making %d cryptograms", l.o.Taps)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // amounts of a load
	for made := 0; made < l.o.Taps; {
		t := l.terminals[len(l.terminals)*made/l.o.Taps]
		body := append(make([]byte, 0, 480*l.o.Each), `{"terminal":"T1","batch":1,"taps":[`...)
		for i := 0; i < l.o.Each && made < l.o.Taps; i, made = i+1, made+1 {
			if i > 0 {
				body = append(body, ',')
			}
			amount := 1 + random.Int64N(5000)
			if body, err = purses[random.IntN(len(purses))].appendTap(body, made, amount); err != nil {
				return err
			}
			t.count++
			t.amount += amount
		}
		t.uploads = append(t.uploads, append(body, `]}`...))
	}
	return nil
}

func (l *tapLoad) purses(ctx context.Context) ([]*purse, error) {
	var account bankapi.Account
	var cash bankapi.Account
	for _, one := range []struct {
		kind bankapi.AccountKind
		into *bankapi.Account
	}{{bankapi.AccountInternal, &cash}, {bankapi.AccountCustomer, &account}} {
		op := bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: "bench", Kind: one.kind, Currency: currency}}
		if err := l.site.do(ctx, bank.Issuer, op, one.into); err != nil {
			return nil, err
		}
	}
	for range (int64(l.o.Purses)*purseFunds)/funds + 1 {
		op := bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{Debit: cash.ID, Credit: account.ID, Amount: funds, Currency: currency}}
		if err := l.site.do(ctx, bank.Issuer, op, nil); err != nil {
			return nil, err
		}
	}
	purses := make([]*purse, l.o.Purses)
	errs := make([]error, furnishes)
	var group sync.WaitGroup
	for w := range furnishes {
		group.Go(func() {
			for i := w; i < len(purses) && errs[w] == nil; i += furnishes {
				purses[i], errs[w] = newPurse(ctx, l.site, account.ID, i)
			}
		})
	}
	group.Wait()
	return purses, errors.Join(errs...)
}

func (l *tapLoad) run(r *TapResult) error {
	if l.o.Profile != nil {
		stop, err := l.o.Profile()
		if err != nil {
			return err
		}
		defer func() { _ = stop() }()
	}
	_, _ = fmt.Fprintf(l.o.Progress, "uploading on %d connections\n", l.o.Connections)
	tally := newTally(time.Hour)
	errs := make([]error, len(l.terminals))
	before := l.site.reading()
	var group sync.WaitGroup
	for i, t := range l.terminals {
		group.Go(func() { errs[i] = t.upload(l.site, tally) })
	}
	group.Wait()
	after := l.site.reading()
	span := after.at.Sub(before.at).Seconds()
	var loop Loop
	loop.fill(before, after, span)
	r.Seconds, r.TapsPerSecond, r.Upload = round(span, 3), round(float64(r.Taps)/span, 0), latencyOf(tally.whole)
	r.Commits, r.Cores, r.OthersCores = loop.Commits, loop.Cores, loop.OthersCores
	r.CPU = round((after.own-before.own).Seconds()*1e6/float64(r.Taps), 1)
	r.Written = round(float64(loop.WrittenBytes)/float64(r.Taps), 0)
	return errors.Join(errs...)
}

// upload sends everything, and looks that all of it was posted.
func (t *terminal) upload(s *site, sum *tally) error {
	w, err := dialWire(context.Background(), s.address, t.merchant.key)
	if err != nil {
		return err
	}
	defer w.close()
	for i, body := range t.uploads {
		began := time.Now()
		a, err := w.post([]byte("/v1/taps"), nil, nil, []byte("upload-"+strconv.Itoa(i)), body)
		if err != nil {
			return fmt.Errorf("upload taps: %w", err)
		}
		sum.mu.Lock()
		_ = sum.whole.RecordValue(max(time.Since(began).Microseconds(), 1))
		sum.mu.Unlock()
		if a.status != http.StatusOK {
			return fmt.Errorf("an upload was answered with %d: %.200s", a.status, a.body)
		}
		var posted bankapi.TapsPosted
		if i == 0 { // reading every answer would be the terminals' work
			if err := json.Unmarshal(a.body, &posted); err != nil {
				return err
			}
			for _, one := range posted.Results {
				if one.Status != bankapi.TapPosted {
					return fmt.Errorf("a tap is %s (%s)", one.Status, one.Reason)
				}
			}
		}
	}
	return nil
}

// settle closes every batch: the bank compares count and amount with what the
// terminals know, so that no tap is missing and none counted twice.
func (l *tapLoad) settle(ctx context.Context, r *TapResult) error {
	for _, t := range l.terminals {
		var b bankapi.Batch
		op := bank.SettleBatch{SettleBatch: bankapi.SettleBatch{Terminal: "T1", Batch: 1, Count: t.count, Amount: t.amount, Currency: currency}}
		if err := l.site.do(ctx, bank.Actor{Role: bankapi.RoleMerchant, Merchant: t.merchant.id}, op, &b); err != nil {
			return err
		}
		r.Settled += b.Amount
		r.Owed += t.amount
	}
	return nil
}

func (l *tapLoad) verify(ctx context.Context, r *TapResult) error {
	store, err := sqlite.Open(ctx, l.site.database(), sqlite.Options{})
	if err != nil {
		return fmt.Errorf("open the database anew: %w", err)
	}
	defer store.Close()
	report, err := bank.Verify(ctx, store, l.site.secrets, nil)
	if err != nil {
		return err
	}
	r.Faults = append(r.Faults, report.Faults...)
	for _, t := range l.terminals {
		account, err := store.Account(ctx, t.merchant.account)
		if err != nil {
			return err
		}
		if account.Credits != t.amount {
			r.Faults = append(r.Faults, fmt.Sprintf("a merchant was paid %d for taps of %d", account.Credits, t.amount))
		}
	}
	return (&Check{Faults: r.Faults}).err()
}

// Text is the result for a person.
func (r TapResult) Text() string {
	return fmt.Sprintf(`machine   %s, %d cores, %s, %s; %s, fsync p50 %.2f ms
%.0f taps/s  %d taps of %d purses in uploads of %d, on %d connections, %.1f s
upload    p50 %.1f ms, p99 %.1f ms, until durable
commits   %d, each one fsync
machine   %.2f cores used, %.2f by other programs; a tap: %.1f µs of CPU, %.0f bytes written, both sides together
check     tapped %d, settled %d, %d faults
`, r.Machine.CPU, r.Machine.Cores, r.Machine.OS, r.Machine.Go, r.Machine.Filesystem, r.Machine.Fsync.P50,
		r.TapsPerSecond, r.Taps, r.Purses, r.Each, r.Connections, r.Seconds, r.Upload.P50, r.Upload.P99,
		r.Commits, r.Cores, r.OthersCores, r.CPU, r.Written, r.Owed, r.Settled, len(r.Faults))
}
