package bankbus

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"sotto/bankapi/subject"
)

// errRefused is all that a stranger hears, whatever the reason was.
var errRefused = errors.New("refused")

// login answers the server's auth callouts (NATS ADR-26).
type login struct {
	phones     Phones
	keys       keys
	sessionMax time.Duration
	now        func() time.Time
	log        *slog.Logger
	presence   *presence
	gate       *gate

	mu     sync.Mutex
	kicked map[string]bool
}

func newLogin(phones Phones, k keys, c Config, p *presence) *login {
	l := &login{
		phones: phones, keys: k, sessionMax: c.SessionMax, now: c.Now, log: c.Logger,
		presence: p, gate: newGate(loginsMax, loginsMax), kicked: map[string]bool{},
	}
	p.refuses = l.refuses
	return l
}

func (l *login) kick(phone string)    { l.set(phone, true) }
func (l *login) readmit(phone string) { l.set(phone, false) }

func (l *login) set(phone string, kicked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if kicked {
		l.kicked[phone] = true
		return
	}
	delete(l.kicked, phone)
}

func (l *login) refuses(phone string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kicked[phone]
}

func (l *login) onRequest(m *nats.Msg) {
	l.gate.run("", func() {
		request, err := jwt.DecodeAuthorizationRequestClaims(string(m.Data))
		if err != nil || request.Audience != server.AuthRequestSubject {
			l.log.Warn("the bus asked for a login in a form that is not known")
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		answer, err := l.answer(ctx, request)
		if err == nil {
			err = m.Respond([]byte(answer))
		}
		if err != nil {
			l.log.Warn("a login was not answered", "reason", err)
		}
	})
}

// answer is the signed response to one callout: a user with the phone's rights
// or a refusal.
func (l *login) answer(ctx context.Context, r *jwt.AuthorizationRequestClaims) (string, error) {
	response := jwt.NewAuthorizationResponseClaims(r.UserNkey)
	response.Audience = r.Server.ID
	phone, err := l.identify(ctx, r)
	if err != nil {
		l.log.Info("a login was refused", "from", r.ClientInformation.Host, "reason", err)
		response.Error = errRefused.Error()
		return response.Encode(l.keys.issuer)
	}
	if response.Jwt, err = l.rights(phone, r.UserNkey).Encode(l.keys.issuer); err != nil {
		return "", err
	}
	return response.Encode(l.keys.issuer)
}

// identify returns the phone that signed the server's nonce. The errors are for
// the bank's log.
func (l *login) identify(ctx context.Context, r *jwt.AuthorizationRequestClaims) (string, error) {
	if err := verify(r.ConnectOptions.Nkey, r.ConnectOptions.SignedNonce, r.ClientInformation.Nonce); err != nil {
		return "", err
	}
	phone, ok, err := l.phones.PhoneByKey(ctx, r.ConnectOptions.Nkey)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", errors.New("no phone has this key")
	case !subject.Valid(phone):
		return "", errors.New("the phone's id cannot stand in a subject")
	case l.refuses(phone):
		return "", errors.New("the phone was kicked")
	}
	return phone, nil
}

// verify checks what a NATS server checks for nkeys of its own: an Ed25519
// signature over the nonce of this connection, in URL base64 without padding,
// or standard base64.
func verify(publicKey, signature, nonce string) error {
	if nonce == "" || !nkeys.IsValidPublicUserKey(publicKey) {
		return errors.New("no user key or no nonce")
	}
	sig, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		if sig, err = base64.StdEncoding.DecodeString(signature); err != nil {
			return errors.New("the signature is not base64")
		}
	}
	public, err := nkeys.FromPublicKey(publicKey)
	if err != nil || public.Verify([]byte(nonce), sig) != nil {
		return errors.New("the signature is not of this key over this nonce")
	}
	return nil
}

// rights are a phone's: its own subjects and no others. A server takes payload
// and subscription limits from its own options for users of an auth callout;
// they stand here too, for the day when it reads them.
func (l *login) rights(phone, userKey string) *jwt.UserClaims {
	u := jwt.NewUserClaims(userKey)
	u.Name = phone // the server reports it as the user of the connection
	u.Audience = l.keys.account
	u.Sub.Allow.Add(subject.In(phone), subject.Box(phone)+".>")
	u.Pub.Allow.Add(subject.Out(phone), subject.Pending(phone), subject.Ack(phone, "*"))
	u.Limits.Payload = PayloadMax
	u.Limits.Subs = subscriptionsMax
	u.AllowedConnectionTypes.Add(jwt.ConnectionTypeStandard, jwt.ConnectionTypeWebsocket)
	// Spread over a quarter, so that phones which logged in together do not
	// all come back together.
	session := l.sessionMax - rand.N(l.sessionMax/4+1) //nolint:gosec // it spreads load and hides nothing
	u.Expires = l.now().Add(session).Unix()
	return u
}
