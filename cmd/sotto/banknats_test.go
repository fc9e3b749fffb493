package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"sotto/bank/bankbus/selfca"
	"sotto/bankapi"
)

// nodeOf runs one node of a NATS cluster with the configuration that
// 'sotto bank nats' prints. It returns its URL and the file of its authority.
func nodeOf(t *testing.T, dir string) (url, ca string) {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "bus.conf")
	printed := command(t, dir, "", "bank", "nats", "--nats-seeds", "seeds")
	if again := command(t, dir, "", "bank", "nats", "--nats-seeds", "seeds"); again != printed {
		t.Errorf("the second time it printed\n%s\nafter\n%s", again, printed)
	}
	if err := os.WriteFile(conf, []byte(printed), 0o600); err != nil {
		t.Fatal(err)
	}
	ca = filepath.Join(t.TempDir(), "ca.pem")
	authority := must(selfca.Open(ca, []string{"127.0.0.1"}, time.Now()))(t)
	if err := os.WriteFile(ca, authority.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	options := must(server.ProcessConfigFile(conf))(t)
	options.Host, options.Port, options.NoLog, options.NoSigs = "127.0.0.1", server.RANDOM_PORT, true, true
	options.TLS, options.TLSConfig, options.TLSHandshakeFirst = true, authority.TLS(), true
	options.TLSHandshakeFirstFallback = 50 * time.Millisecond // "handshake_first: auto"
	node := must(server.NewServer(options))(t)
	node.Start()
	t.Cleanup(node.Shutdown)
	if !node.ReadyForConnections(time.Minute) {
		t.Fatal("the node does not start")
	}
	return node.ClientURL(), ca
}

// A payment whose code crosses a NATS cluster that is not the bank's own.
func TestBankOnACluster(t *testing.T) {
	seeds := t.TempDir()
	url, ca := nodeOf(t, seeds)
	e := newEstate(t, "--nats", url, "--nats-seeds", filepath.Join(seeds, "seeds"), "--nats-ca", ca)
	if got := e.bank.ready[1]; got != url {
		t.Errorf("phones are sent to %s, want %s", got, url)
	}
	p := newParts(t, e, "card-sealed")
	payment := p.pay(12_800)
	paid := must(p.shop.ConfirmPayment(t.Context(), payment.ID, bankapi.Confirm{Code: p.code("payment")}))(t)
	if paid.Status != bankapi.Succeeded {
		t.Errorf("got %s", paid.Status)
	}
}

func TestClusterMistakes(t *testing.T) {
	dir := t.TempDir()
	command(t, dir, "", "bank", "init", "--data", "bank")
	command(t, dir, "", "bank", "nats", "--nats-seeds", "seeds")
	for name, text := range map[string]string{"bad/issuer.nk": "SUnot", "bad/bank.nk": "", "bad/system.nk": "", "no.pem": "no certificate"} {
		if err := os.MkdirAll(filepath.Join(dir, "bad"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	serve := []string{"bank", "--data", "bank", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0", "--nats", "tls://127.0.0.1:1"}
	for _, tt := range []struct {
		want string
		args []string
	}{
		{"sotto bank nats", serve},
		{"sotto bank nats", append(serve, "--nats-seeds", "none")},
		{"not an account seed", append(serve, "--nats-seeds", "bad")},
		{"no certificate in PEM form", append(serve, "--nats-seeds", "seeds", "--nats-ca", "no.pem")},
		{"start the bus", append(serve, "--nats-seeds", "seeds")}, // nobody there
		{"is no seed", []string{"bank", "nats", "--nats-seeds", "bad"}},
	} {
		_, said, err := attempt(t, dir, "", tt.args...)
		if err == nil || !strings.Contains(said, tt.want) {
			t.Errorf("%v: got %v, %q; want %q", tt.args[4:], err, said, tt.want)
		}
	}
}
