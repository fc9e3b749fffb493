package sim

import (
	"sotto/apdu"
	"sotto/scp03"
	"sotto/secret"
)

// channel is the secure channel of the issuer security domain: offered, then
// open.
type channel struct {
	offer scp03.Offer
	card  scp03.Card
}

// keyVersion is the number of the one key set.
const keyVersion = 0x01

// domainOption is what our channel can do: everything, with random challenges.
const domainOption = scp03.ResponseMAC | scp03.ResponseENC

// IssuerKeys are the keys of the issuer security domain that belong to a device
// key, for whoever has that and manages the device himself.
func IssuerKeys(device secret.Secret) (scp03.Keys, error) {
	return scp03.NewKeys(
		secret.New(branch(device, "issuer enc")),
		secret.New(branch(device, "issuer mac")),
		secret.New(branch(device, "issuer dek")))
}

func issuerKeys(o Options) (scp03.Keys, error) {
	if o.Issuer != nil {
		return *o.Issuer, nil
	}
	return IssuerKeys(o.Key)
}

// initializeUpdate answers INITIALIZE UPDATE (GlobalPlatform Amendment D, 7.1.1).
func (t *turn) initializeUpdate(c apdu.Command) apdu.Response {
	var challenge [8]byte
	t.random.fill(challenge[:])
	domain := scp03.Domain{
		Keys: t.device.issuer, KeyVersion: keyVersion, Option: domainOption, AID: []byte(nameIssuer),
	}
	offer, r := domain.Answer(c, 0, challenge)
	t.session.channel = channel{offer: offer}
	return r
}

// openChannel answers EXTERNAL AUTHENTICATE (7.1.2).
func (t *turn) openChannel(c apdu.Command) apdu.Response {
	card, _, r := t.session.channel.offer.Accept(c)
	t.session.channel = channel{card: card}
	return r
}

// protected carries a management command out inside the channel.
func protected(run func(*turn, apdu.Command) apdu.Response) func(*turn, apdu.Command) apdu.Response {
	return func(t *turn, c apdu.Command) apdu.Response {
		card, plain, word := t.session.channel.card.Unwrap(c)
		t.session.channel = channel{card: card}
		if !word.OK() {
			return status(word)
		}
		t.session.channel.card, c = card, plain
		r := run(t, c)
		t.session.channel.card, r = t.session.channel.card.Wrap(r)
		return r
	}
}

// bare answers a management command outside of the channel, which is then
// closed: whoever sent it is not who opened it.
func (t *turn) bare(apdu.Command) apdu.Response {
	t.session.channel = channel{}
	return status(apdu.StatusSecurity)
}
