package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/phone"
	"sotto/secret"
)

// fileMax bounds one file, in bytes.
const fileMax = 64 << 10

const version = 1

// Why a file is refused. None says what is in it.
var (
	errDamaged = errors.New("the file is damaged")
	errVersion = errors.New("the file was written by another version of sotto")
	errOther   = errors.New("the file speaks of another card")
)

// The files as they are written. Bytes become base64.
type (
	identityForm struct {
		Version   int    `json:"version"`
		Phone     string `json:"phone"`
		Bank      string `json:"bank"`
		Bus       string `json:"bus"`
		CA        string `json:"ca"`
		Seed      []byte `json:"seed"`
		Key       []byte `json:"key"`
		KeySource []byte `json:"key_source"`
	}
	bindingForm struct {
		Version int          `json:"version"`
		Card    string       `json:"card"`
		Active  *pairingForm `json:"active,omitempty"`
		Pending *pairingForm `json:"pending,omitempty"`
	}
	pairingForm struct {
		Dispatch string `json:"dispatch"`
		Profile  string `json:"profile"`
		Secret   []byte `json:"secret"`
		Reserved uint64 `json:"reserved"`
		ForgetAt int64  `json:"forget_at"`
	}
)

func encodeIdentity(id Identity) ([]byte, error) {
	return encode(identityForm{
		version, id.Phone, id.Bank, id.Bus, id.CA, id.Seed.Reveal(), id.Key.Reveal(), id.KeySource[:],
	})
}

func decodeIdentity(b []byte) (Identity, error) {
	var f identityForm
	defer func() {
		clear(f.Seed)
		clear(f.Key)
	}()
	if err := decode(b, &f); err != nil {
		return Identity{}, err
	}
	if _, err := ident.Parse(ident.Phone, f.Phone); err != nil ||
		len(f.Seed) != 32 || len(f.Key) != dyncode.KeySize || len(f.KeySource) != 32 {
		return Identity{}, errDamaged
	}
	return Identity{
		Phone: f.Phone, Bank: f.Bank, Bus: f.Bus, CA: f.CA,
		Seed: secret.New(f.Seed), Key: secret.New(f.Key), KeySource: [32]byte(f.KeySource),
	}, nil
}

func encodeBinding(card string, b phone.Binding) ([]byte, error) {
	return encode(bindingForm{version, card, formOf(b.Active), formOf(b.Pending)})
}

func formOf(p phone.Pairing) *pairingForm {
	if p.None() {
		return nil
	}
	return &pairingForm{p.Dispatch, p.Profile.String(), p.Secret.Reveal(), p.Reserved, p.ForgetAt}
}

func decodeBinding(b []byte) (card string, _ phone.Binding, err error) {
	var f bindingForm
	defer func() {
		for _, p := range []*pairingForm{f.Active, f.Pending} {
			if p != nil {
				clear(p.Secret)
			}
		}
	}()
	if err := decode(b, &f); err != nil {
		return "", phone.Binding{}, err
	}
	active, okActive := f.Active.pairing()
	pending, okPending := f.Pending.pairing()
	binding := phone.Binding{Active: active, Pending: pending}
	if _, err := ident.Parse(ident.Card, f.Card); err != nil || !okActive || !okPending || binding.Empty() {
		return "", phone.Binding{}, errDamaged
	}
	return f.Card, binding, nil
}

func (f *pairingForm) pairing() (phone.Pairing, bool) {
	if f == nil {
		return phone.Pairing{}, true
	}
	profile, ok := dyncode.ParseProfile(f.Profile)
	if _, err := ident.Parse(ident.Dispatch, f.Dispatch); err != nil || !ok ||
		len(f.Secret) != dyncode.KeySize || f.ForgetAt < 0 {
		return phone.Pairing{}, false
	}
	return phone.Pairing{
		Dispatch: f.Dispatch, Profile: profile, Secret: secret.New(f.Secret),
		Reserved: f.Reserved, ForgetAt: f.ForgetAt,
	}, true
}

// encode writes a form and its checksum, a line each.
func encode(form any) ([]byte, error) {
	b, err := json.Marshal(form)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	out := make([]byte, 0, len(b)+2*len(sum)+2)
	out = append(append(out, b...), '\n')
	clear(b)
	out = append(hex.AppendEncode(out, sum[:]), '\n')
	if len(out) > fileMax {
		clear(out)
		return nil, errors.New("too long to be kept")
	}
	return out, nil
}

// decode reads what encode wrote, and only that: the form is written again and
// compared, which catches order, case, doubles and blanks.
func decode(b []byte, form any) error {
	line, rest, ok := bytes.Cut(b, []byte("\n"))
	sum := sha256.Sum256(line)
	want := append(hex.AppendEncode(nil, sum[:]), '\n')
	if !ok || len(b) > fileMax || !bytes.Equal(rest, want) {
		return errDamaged
	}
	// The version comes first: another one may have other fields.
	v := struct {
		Version float64 `json:"version"`
	}{math.NaN()}
	if err := json.Unmarshal(line, &v); err != nil {
		return errDamaged
	}
	if v.Version != version {
		return errVersion
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(form); err != nil {
		return errDamaged
	}
	again, err := encode(form)
	defer clear(again)
	if err != nil || !bytes.Equal(again, b) {
		return errDamaged
	}
	return nil
}
