package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/secret"
)

// process is a part of sotto running on its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	ready []string // the words after "ready"
	mu    sync.Mutex
	said  bytes.Buffer // all of stdout and stderr
	ended chan struct{}
}

// start runs a command and waits until it says that it is ready.
func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{t: t, ended: make(chan struct{}), cmd: exec.Command(filepath.Join(built, "sotto"), args...)}
	p.cmd.Dir = dir
	p.cmd.Stderr = p
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan []string, 1)
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			_, _ = p.Write(append(lines.Bytes(), '\n'))
			if rest, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
				ready <- strings.Fields(rest)
			}
		}
		_ = p.cmd.Wait()
	}()
	select {
	case p.ready = <-ready:
	case <-p.ended:
		t.Fatalf("sotto %s ended: %s", args[0], p.text())
	case <-time.After(time.Minute):
		p.kill()
		t.Fatalf("sotto %s is not ready after a minute: %s", args[0], p.text())
	}
	t.Cleanup(p.kill)
	return p
}

// Write collects what the process says.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// kill is SIGKILL: no word of farewell.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// stop is SIGTERM, which must be answered with exit code 0.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Error(err)
	}
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.kill()
		p.t.Errorf("still running 30 s after SIGTERM: %s", p.text())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("exit code %d after SIGTERM: %s", code, p.text())
	}
}

// command runs to its end, which must be good, and returns stdout.
func command(t *testing.T, dir, in string, args ...string) string {
	t.Helper()
	out, errs, err := attempt(t, dir, in, args...)
	if err != nil {
		t.Fatalf("sotto %s: %v\n%s", strings.Join(args, " "), err, errs)
	}
	return out
}

// attempt runs to its end, and returns stdout and stderr.
func attempt(t *testing.T, dir, in string, args ...string) (out, errs string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(built, "sotto"), args...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(in)
	var said bytes.Buffer
	cmd.Stderr = &said
	raw, err := cmd.Output()
	return strings.TrimSpace(string(raw)), said.String(), err
}

// estate is a bank process with what the other parts need of it.
type estate struct {
	t        *testing.T
	dir      string
	args     []string
	bank     *process
	url      string
	issuer   *client.Client
	shop     *client.Client
	merchant bankapi.Merchant
	customer string

	issuerKey string
}

// newEstate makes a bank, starts it on free ports, and furnishes it with a
// merchant and a customer with a million yuan.
func newEstate(t *testing.T, flags ...string) *estate {
	t.Helper()
	e := &estate{t: t, dir: t.TempDir()}
	key := command(t, e.dir, "", "bank", "init", "--data", "bank")
	e.args = append([]string{"bank", "--data", "bank", "--listen", freeAddress(t), "--bus-listen", freeAddress(t)}, flags...)
	e.start()
	e.issuer, e.issuerKey = e.client(key), key
	ctx := t.Context()
	vault := must(e.issuer.CreateAccount(ctx, bankapi.CreateAccount{Name: "Vault", Kind: bankapi.AccountInternal, Currency: "CNY"}))(t)
	e.customer = must(e.issuer.CreateAccount(ctx, bankapi.CreateAccount{Name: "Li Wei", Kind: bankapi.AccountCustomer, Currency: "CNY"}))(t).ID
	must(e.issuer.CreateTransfer(ctx, bankapi.CreateTransfer{Debit: vault.ID, Credit: e.customer, Amount: 100_000_000, Currency: "CNY"}))(t)
	e.merchant = must(e.issuer.CreateMerchant(ctx, bankapi.CreateMerchant{Name: "Tea House", Currency: "CNY"}))(t)
	e.shop = e.client(e.merchant.Key.Secret)
	return e
}

func (e *estate) start() {
	e.t.Helper()
	e.bank = start(e.t, e.dir, e.args...)
	e.url = e.bank.ready[0]
}

func (e *estate) client(key string) *client.Client {
	e.t.Helper()
	return must(client.New(e.url, secret.New([]byte(key))))(e.t)
}

// audit is the operator's own check of the books.
func (e *estate) audit() string {
	e.t.Helper()
	return command(e.t, e.dir, "", "bank", "audit", "verify", "--data", "bank")
}

// issue makes a card with the nth number.
func (e *estate) issue(n int, profile string) bankapi.Card {
	e.t.Helper()
	return must(e.issuer.IssueCard(e.t.Context(), bankapi.IssueCard{
		Account: e.customer, PAN: numbered(n), Holder: "LI WEI", Profile: profile,
	}))(e.t)
}

// numbered is a PAN with a right check digit (ISO/IEC 7812-1, Annex B).
func numbered(n int) string {
	body := fmt.Sprintf("621700%09d", n)
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return body + string(rune('0'+(10-sum%10)%10))
}

// freeAddress is a loopback port that is free now, for a server that has to come
// back at the same place after it was killed.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// must takes what cannot fail here.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// eventually waits for a condition that some other process brings about.
func eventually(t *testing.T, what string, holds func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("a minute passed before %s", what)
		case <-tick.C:
		}
	}
}

// scan looks for texts in a file of any size and tells which are there, as they
// are and as UTF-16, which some libraries use.
func scan(t *testing.T, path string, texts ...string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, text := range texts {
		wide := make([]byte, 0, 2*len(text))
		for _, b := range []byte(text) {
			wide = append(wide, b, 0)
		}
		if bytes.Contains(content, []byte(text)) || bytes.Contains(content, wide) {
			found = append(found, text)
		}
	}
	return found
}
