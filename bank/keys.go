package bank

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"sotto/dyncode"
	"sotto/emv"
	"sotto/ident"
	"sotto/secret"
)

// Secrets are the bank's root keys, 32 random bytes each. They come from a
// keystore and are never written anywhere by this package.
type Secrets struct {
	IssuerMaster   secret.Secret // cards' keys derive from it
	CodePepper     secret.Secret // code MACs
	PANEncryption  secret.Secret
	PANLookup      secret.Secret
	PhoneTransport secret.Secret // phones' keys derive from it
	APIKeys        secret.Secret // MACs of API keys and tickets; seals webhook secrets
	Audit          secret.Secret // MACs of audit links

	// Of applets: cryptograms, script MACs and script encryption. A bank
	// without them issues no applets.
	AppletAC, AppletMAC, AppletENC secret.Secret
}

// Keys does all that needs a root key. It is used by the committer alone and
// keeps the ciphers of recently used cards.
type Keys struct {
	s       Secrets
	inner   map[string]dyncode.Inner
	applets map[emv.Suite]AppletKeys
	chips   keyring
}

// innerMax bounds the cards whose ciphers are kept: about 1 KB each.
const innerMax = 8192

// NewKeys wraps the root keys.
func NewKeys(s Secrets) *Keys {
	return &Keys{s: s, inner: map[string]dyncode.Inner{}, applets: appletKeys(s)}
}

// card is the seal and the receipt key of one card.
func (k *Keys) card(id string) dyncode.Inner {
	if inner, ok := k.inner[id]; ok {
		return inner
	}
	raw := mustRaw(ident.Card, id)
	inner := dyncode.NewInner(dyncode.CardKey(k.s.IssuerMaster, raw), raw)
	if len(k.inner) >= innerMax {
		clear(k.inner) // rare; deriving anew takes microseconds
	}
	k.inner[id] = inner
	return inner
}

func (k *Keys) box(phone string) dyncode.Box {
	raw := mustRaw(ident.Phone, phone)
	return dyncode.NewBox(dyncode.PhoneKey(k.s.PhoneTransport, raw), raw)
}

func (k *Keys) panMAC(pan secret.Secret) []byte { return mac(k.s.PANLookup, "pan", pan.Reveal()) }

// sealPAN seals a card's PAN together with whose money the card moves and how
// its codes are sealed.
func (k *Keys) sealPAN(random [12]byte, c *Card, pan secret.Secret) []byte {
	return seal(k.s.PANEncryption, random, c.issuedAs(), pan.Reveal())
}

// genuine reports whether the card still has the account and the profile that it
// was issued with: who can write to the database could otherwise pay with
// another's money, or have codes sent unsealed.
func (k *Keys) genuine(c *Card) bool {
	_, ok := unseal(k.s.PANEncryption, c.issuedAs(), c.PANSealed)
	return ok
}

func (c *Card) issuedAs() string { return c.ID + "|" + c.Account + "|" + c.Profile }

// mac is HMAC-SHA-256 with the purpose in front.
func mac(key secret.Secret, purpose string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key.Reveal())
	h.Write([]byte("sotto v1 " + purpose + "\x00"))
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// seal is AES-256-GCM with a random nonce in front; ad names the row it
// belongs to, so that ciphertexts cannot be swapped between rows.
func seal(key secret.Secret, random [12]byte, ad string, plain []byte) []byte {
	return gcm(key).Seal(append([]byte(nil), random[:]...), random[:], plain, []byte(ad))
}

func unseal(key secret.Secret, ad string, sealed []byte) (secret.Secret, bool) {
	if len(sealed) < 12 {
		return secret.Secret{}, false
	}
	plain, err := gcm(key).Open(nil, sealed[:12], sealed[12:], []byte(ad))
	if err != nil {
		return secret.Secret{}, false
	}
	defer clear(plain)
	return secret.New(plain), true
}

func gcm(key secret.Secret) cipher.AEAD {
	block, err := aes.NewCipher(key.Reveal())
	if err != nil {
		panic("bank: a root key has the wrong size")
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("bank: GCM refused AES")
	}
	return aead
}

// mustRaw is for ids that come from rows: the bank made them itself.
func mustRaw(kind ident.Kind, id string) ident.Raw {
	raw, err := ident.Parse(kind, id)
	if err != nil {
		panic("bank: a stored id is not well-formed")
	}
	return raw
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
