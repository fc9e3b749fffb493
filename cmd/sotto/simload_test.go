package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sotto/bankapi"
	"sotto/bankapi/client"
)

// wire says what befalls the exchanges that pass: the cut-th of them is lost,
// with its answer or before it is asked, and so is all that follows. It counts
// bank and chip alike, so that one number names a point of the whole load.
type wire struct {
	mu     sync.Mutex
	passed int
	cut    int  // 0 is never
	asked  bool // the exchange at the cut arrives, and its answer does not
	broken func()
}

// pass counts an exchange, and says whether it arrives and whether its answer
// does.
func (w *wire) pass() (arrives, answered bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passed++
	switch {
	case w.cut == 0 || w.passed < w.cut:
		return true, true
	case w.passed == w.cut && w.asked:
		return true, false
	}
	w.die()
	return false, false
}

func (w *wire) die() {
	if w.broken != nil {
		w.broken()
		w.broken = nil
	}
}

// reset begins to count anew.
func (w *wire) reset(cut int, asked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passed, w.cut, w.asked, w.broken = 0, cut, asked, nil
}

func (w *wire) kills(c *exec.Cmd) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = func() { _ = c.Process.Kill() }
}

func (w *wire) answerLost() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.die()
}

// bankBehind is the bank's API behind a wire.
func (w *wire) bankBehind(t *testing.T, bank string) string {
	t.Helper()
	to := must(url.Parse(bank))(t)
	proxy := httputil.NewSingleHostReverseProxy(to)
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		arrives, answered := w.pass()
		switch {
		case !arrives:
			panic(http.ErrAbortHandler)
		case !answered:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			w.answerLost()
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(out, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// chipBehind is a chip that listens behind a wire. Frames of one byte are the
// reader's own, and pass.
func (w *wire) chipBehind(t *testing.T, chip string) string {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			reader, err := l.Accept()
			if err != nil {
				return
			}
			w.carry(reader, chip)
		}
	}()
	return l.Addr().String()
}

func (w *wire) carry(reader net.Conn, address string) {
	defer reader.Close()
	chip, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer chip.Close()
	from, back := bufio.NewReader(reader), bufio.NewReader(chip)
	for {
		command, err := frame(from)
		if err != nil {
			return
		}
		arrives, answered := true, true
		if len(command) > 2+1 {
			arrives, answered = w.pass()
		}
		if !arrives {
			return
		}
		if _, err := chip.Write(command); err != nil {
			return
		}
		if len(command) == 2+1 && command[2] != 4 {
			continue // power, which is not answered
		}
		answer, err := frame(back)
		if err != nil {
			return
		}
		if !answered {
			w.answerLost()
			return
		}
		if _, err := reader.Write(answer); err != nil {
			return
		}
	}
}

// frame reads length and payload.
func frame(r io.Reader) ([]byte, error) {
	b := make([]byte, 2)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	b = append(b, make([]byte, binary.BigEndian.Uint16(b))...)
	_, err := io.ReadFull(r, b[2:])
	return b, err
}

// loading is a wallet whose first purse is loaded over a wire.
type loading struct {
	*wallet
	sim  *process
	wire wire
	args []string
}

func newLoading(t *testing.T) *loading {
	t.Helper()
	l := &loading{wallet: newWallet(t)}
	l.sim = start(t, l.dir, "sim", "run", "--data", "sim", "--listen", "127.0.0.1:0", "--contact")
	l.args = []string{
		"sim", "load", "--data", "loads", "--key-file", "issuer.key", "--bank", l.wire.bankBehind(t, l.url),
		"--link", l.wire.chipBehind(t, l.sim.ready[0]), l.aids["Metro"],
	}
	return l
}

// run runs the command, which a broken wire kills or not.
func (l *loading) run(amount string, kill bool) (said string, err error) {
	l.t.Helper()
	cmd := exec.CommandContext(l.t.Context(), filepath.Join(built, "sotto"), append(l.args, amount)...)
	cmd.Dir = l.dir
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	if kill {
		l.wire.kills(cmd)
	}
	err = cmd.Wait()
	return strings.TrimSpace(out.String() + errs.String()), err
}

// purse is the purse as the bank knows it.
func (l *loading) purse() bankapi.Applet {
	l.t.Helper()
	for _, a := range must(l.issuer.Applets(l.t.Context(), client.Page{}))(l.t).Data {
		if a.AID == l.aids["Metro"] {
			return a
		}
	}
	l.t.Fatal("the bank has no such purse")
	return bankapi.Applet{}
}

// account is what the customer's account holds.
func (l *loading) account() int64 {
	l.t.Helper()
	return must(l.issuer.Account(l.t.Context(), l.customer))(l.t).Balance
}

// Whatever breaks, wherever: the same command run again ends well, and the money
// has moved once.
func TestLoadIsFinishedByTheSameCommand(t *testing.T) {
	l := newLoading(t)
	said, err := l.run("0.50", false)
	if err != nil {
		t.Fatal(said)
	}
	points := l.wire.passed
	if points < 15 {
		t.Fatalf("a load has %d exchanges only", points)
	}
	account, held, finished := l.account(), l.purse().Balance, 0
	for cut := 1; cut <= points; cut++ {
		for _, asked := range []bool{false, true} {
			for _, kill := range []bool{false, true} {
				name := fmt.Sprintf("cut at %d, arrived %v, killed %v", cut, asked, kill)
				l.wire.reset(cut, asked)
				if said, err := l.run("0.10", kill); err == nil {
					t.Fatalf("%s: nothing broke: %s", name, said)
				}
				if l.purse().Balance != held {
					finished++ // the bank knows that it has arrived, and only the command does not
				}
				l.wire.reset(0, false)
				said, err := l.run("0.10", false)
				if err != nil || !strings.Contains(said, "completed load_") {
					t.Fatalf("%s: run again: %s", name, said)
				}
				account, held = account-10, held+10
				if p := l.purse(); p.Balance != held || p.Load != "" || l.account() != account {
					t.Fatalf("%s: the purse has %d and %q in flight, the account %d; want %d, none, %d\n%s", name, p.Balance, p.Load, l.account(), held, account, said)
				}
			}
		}
	}
	if finished != 2 {
		t.Errorf("%d cuts lay behind the bank's own knowledge, want 2", finished)
	}
	l.sim.stop()
	if got, want := l.balances()["Metro"], fmt.Sprintf("%d.%02d", held/100, held%100); got != want {
		t.Errorf("the purse itself holds %s, want %s", got, want)
	}
}

// Nobody is loaded by surprise: what is ordered now may be another load than the
// one that was begun.
func TestAnotherLoadThanTheOneBegun(t *testing.T) {
	l := newLoading(t)
	if said, err := l.run("0.50", false); err != nil {
		t.Fatal(said)
	}
	held := l.purse().Balance
	l.wire.reset(l.wire.passed, false) // no resolve arrives
	if said, err := l.run("5.00", false); err == nil || !strings.Contains(said, "run the same command again") {
		t.Fatalf("the end was lost: %s", said)
	}
	l.wire.reset(0, false)
	said, err := l.run("2.00", false)
	if err == nil || !strings.Contains(said, "CNY 5.00") || !strings.Contains(said, "run the command again if CNY 2.00 is wanted too") {
		t.Errorf("another amount: %v: %s", err, said)
	}
	if got := l.purse().Balance; got != held+500 {
		t.Errorf("the purse has %d, want %d", got, held+500)
	}
	if said, err := l.run("2.00", false); err != nil {
		t.Errorf("once more: %s", said)
	}
	if got := l.purse().Balance; got != held+700 {
		t.Errorf("the purse has %d, want %d", got, held+700)
	}
}

// Above its limit a purse takes nothing, and whoever loads hears what it would
// take.
func TestLoadAboveTheLimit(t *testing.T) {
	l := newLoading(t)
	said, err := l.run("997.01", false)
	if err == nil || !strings.Contains(said, "the purse may hold CNY 1000.00 and has CNY 3.00: load CNY 997.00 at most") {
		t.Errorf("%v: %s", err, said)
	}
	if said, err := l.run("997.00", false); err != nil {
		t.Error(said)
	}
}
