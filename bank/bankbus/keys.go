package bankbus

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"sotto/secret"
)

// keys are those the bank holds on its side of the bus.
type keys struct {
	issuer, user, system                   nkeys.KeyPair
	issuerPublic, userPublic, systemPublic string

	account string // that of bank and phones
	outside bool   // the server is not ours: sweep it when kicking
}

// freshKeys are for a server that lives and dies with the process.
func freshKeys() (keys, error) {
	issuer, err1 := nkeys.CreateAccount()
	user, err2 := nkeys.CreateUser()
	system, err3 := nkeys.CreateUser()
	if err := errors.Join(err1, err2, err3); err != nil {
		return keys{}, err
	}
	return named(keys{issuer: issuer, user: user, system: system, account: phonesAccount})
}

func outsideKeys(o Outside) (keys, error) {
	k := keys{account: o.Account, outside: true}
	for _, one := range []struct {
		to     *nkeys.KeyPair
		seed   secret.Secret
		prefix nkeys.PrefixByte
		what   string
	}{
		{&k.issuer, o.Issuer, nkeys.PrefixByteAccount, "the auth callout issuer's seed is not an account seed: make one with nk -gen account"},
		{&k.user, o.User, nkeys.PrefixByteUser, "the bank's bus seed is not a user seed: make one with nk -gen user"},
		{&k.system, o.System, nkeys.PrefixByteUser, "the bank's system account seed is not a user seed: make one with nk -gen user"},
	} {
		prefix, _, err := nkeys.DecodeSeed(one.seed.Reveal())
		if err != nil || prefix != one.prefix {
			return keys{}, errors.New(one.what)
		}
		if *one.to, err = nkeys.FromSeed(one.seed.Reveal()); err != nil {
			return keys{}, errors.New(one.what)
		}
	}
	return named(k)
}

func named(k keys) (keys, error) {
	var err1, err2, err3 error
	k.issuerPublic, err1 = k.issuer.PublicKey()
	k.userPublic, err2 = k.user.PublicKey()
	k.systemPublic, err3 = k.system.PublicKey()
	return k, errors.Join(err1, err2, err3)
}

func outsideTLS(c *tls.Config) *tls.Config {
	if c == nil {
		c = &tls.Config{}
	}
	c = c.Clone()
	c.MinVersion = tls.VersionTLS13
	return c
}

// dial opens one of the bank's connections. While it is lost, publishing fails
// at once instead of filling a buffer: Send shall not claim what it cannot do.
func dial(url string, k nkeys.KeyPair, log *slog.Logger, way nats.Option) (*nats.Conn, error) {
	public, err := k.PublicKey()
	if err != nil {
		return nil, err
	}
	return nats.Connect(url,
		way,
		nats.Nkey(public, k.Sign),
		nats.Name("sotto bank"),
		nats.NoEcho(),
		nats.Timeout(5*time.Second),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(250*time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 250*time.Millisecond),
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("the bank has lost the bus", "reason", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("the bank is on the bus again") }),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			log.Warn("bus", "reason", err)
		}),
	)
}
