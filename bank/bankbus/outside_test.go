package bankbus_test

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"sotto/bank/bankbus"
	"sotto/secret"
)

// outsideConfig is what docs/adr/0020-bus-auth.md asks of a cluster.
const outsideConfig = `
max_payload: 65536
max_subscriptions: 16
accounts {
  PHONES: { users: [ { nkey: %[2]s } ] }
  SYS:    { users: [ { nkey: %[3]s } ] }
}
system_account: SYS
authorization {
  timeout: 5
  auth_callout { issuer: %[1]s, account: PHONES, auth_users: [ %[2]s, %[3]s ] }
}
`

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) (seed secret.Secret, public string) {
	t.Helper()
	k, err := create()
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.Seed()
	if err != nil {
		t.Fatal(err)
	}
	if public, err = k.PublicKey(); err != nil {
		t.Fatal(err)
	}
	return secret.New(text), public
}

// clusterOf starts a NATS server that is none of the bank's.
func clusterOf(t *testing.T, certificate *tls.Config) (s *server.Server, o *bankbus.Outside) {
	t.Helper()
	o = &bankbus.Outside{Account: "PHONES"}
	var issuer, user, system string
	o.Issuer, issuer = newKey(t, nkeys.CreateAccount)
	o.User, user = newKey(t, nkeys.CreateUser)
	o.System, system = newKey(t, nkeys.CreateUser)
	path := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(path, fmt.Appendf(nil, outsideConfig, issuer, user, system), 0o600); err != nil {
		t.Fatal(err)
	}
	options, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	options.Host, options.Port, options.NoLog, options.NoSigs = "127.0.0.1", server.RANDOM_PORT, true, true
	options.TLS, options.TLSConfig, options.TLSHandshakeFirst = true, certificate, true
	options.TLSHandshakeFirstFallback = 50 * time.Millisecond // "handshake_first: auto"
	if s, err = server.NewServer(options); err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(patience) {
		t.Fatal("the cluster does not start")
	}
	o.URL = s.ClientURL()
	return s, o
}

// Two replicas of the bank on a cluster that is none of theirs: either serves
// the phone, both see it, either can kick it.
func TestOutsideCluster(t *testing.T) {
	t.Parallel()
	one := &site{office: newOffice(), authority: newAuthority(t)}
	_, one.config.Outside = clusterOf(t, one.authority.TLS())
	one.config.Outside.TLS = one.trust()
	one.start(t)
	phone := one.dialReady(t, "ph_1", one.enrol(t, "ph_1"), nil)

	two := &site{office: one.office, authority: one.authority, config: one.config}
	two.start(t)
	if err := two.bus.Send("ph_1", "dsp_1", []byte("from the second")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the dispatch is acknowledged to either", func() bool { return one.hasArrived("ph_1", "dsp_1") })
	eventually(t, "the first sees the phone", func() bool { return one.bus.Connected("ph_1") })

	shut(t, one.bus)
	if answer, err := phone.Send(soon(t), []byte("receipt")); err != nil || string(answer) != "re: receipt" {
		t.Errorf("the second replica: got %q, %v", answer, err)
	}
	// The second never saw the phone come: it was there before.
	two.bus.Kick("ph_1")
	eventually(t, "the phone is out", func() bool { return !phone.Connected() })
	if two.bus.Readmit("ph_1"); phone.Ready(soon(t)) != nil {
		t.Error("not readmitted")
	}
	eventually(t, "the phone is back", func() bool { return two.bus.Connected("ph_1") })
}

// While the cluster is away Send says so, and afterwards everything goes on.
func TestOutsideClusterIsLost(t *testing.T) {
	t.Parallel()
	s := &site{office: newOffice(), authority: newAuthority(t)}
	cluster, outside := clusterOf(t, s.authority.TLS())
	s.config.Outside = outside
	s.config.Outside.TLS = s.trust()
	s.start(t)
	cluster.Shutdown()
	eventually(t, "Send fails", func() bool { return s.bus.Send("ph_1", "dsp_1", nil) != nil })
}
