package oda_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sotto/emv/oda"
	"sotto/secret"
)

// Every key of the file signs as the schoolbook does, whatever the blinding.
func TestSignIsTheSchoolbook(t *testing.T) {
	for _, name := range []string{"ca-1984", "ca-1408", "issuer-1408", "issuer-1152", "icc-1152", "icc-1024", "icc-1024-3", "icc-1024-short"} {
		k := key(t, name)
		rapid.Check(t, func(t *rapid.T) {
			r := [oda.RandomSize]byte(rapid.SliceOfN(rapid.Byte(), oda.RandomSize, oda.RandomSize).Draw(t, "random"))
			ddol := rapid.SliceOf(rapid.Byte()).Draw(t, "ddol")
			number := rapid.SliceOfN(rapid.Byte(), 2, 8).Draw(t, "number")
			signature, err := k.SignDDA(number, ddol, r)
			if err != nil {
				t.Fatal(err)
			}
			if again := k.raw(k.opened(signature)); !bytes.Equal(signature, again) {
				t.Fatal("another signature than block^d mod n")
			}
			got, err := oda.ICC{Key: k.Public()}.VerifyDDA(signature, ddol)
			if err != nil || !bytes.Equal(got, number) {
				t.Fatalf("got %x, %v", got, err)
			}
		})
	}
}

// Parts that do not belong together make no key.
func TestPrivateKeyRefuses(t *testing.T) {
	k, other := key(t, "icc-1024"), key(t, "issuer-1152")
	plus := func(s secret.Secret, n int64) secret.Secret {
		return secret.New(new(big.Int).Add(new(big.Int).SetBytes(s.Reveal()), big.NewInt(n)).Bytes())
	}
	for name, change := range map[string]func(*oda.CRT, *[]byte){
		"p":                    func(c *oda.CRT, _ *[]byte) { c.P = plus(c.P, 2) },
		"q":                    func(c *oda.CRT, _ *[]byte) { c.Q = plus(c.Q, 2) },
		"dp":                   func(c *oda.CRT, _ *[]byte) { c.DP = plus(c.DP, 1) },
		"dq":                   func(c *oda.CRT, _ *[]byte) { c.DQ = plus(c.DQ, -1) },
		"qinv":                 func(c *oda.CRT, _ *[]byte) { c.QInv = plus(c.QInv, 1) },
		"p and q exchanged":    func(c *oda.CRT, _ *[]byte) { c.P, c.Q = c.Q, c.P },
		"dp of another size":   func(c *oda.CRT, _ *[]byte) { c.DP = other.crt.DP },
		"no p":                 func(c *oda.CRT, _ *[]byte) { c.P = secret.Secret{} },
		"p one":                func(c *oda.CRT, _ *[]byte) { c.P = secret.New([]byte{1}) },
		"no qinv":              func(c *oda.CRT, _ *[]byte) { c.QInv = secret.Secret{} },
		"q of another key":     func(c *oda.CRT, _ *[]byte) { c.Q = other.crt.Q },
		"twice the same prime": func(c *oda.CRT, _ *[]byte) { c.Q, c.DQ = c.P, c.DP },
		"another exponent":     func(_ *oda.CRT, e *[]byte) { *e = []byte{3} },
		"exponent 17":          func(_ *oda.CRT, e *[]byte) { *e = []byte{17} },
		"no exponent":          func(_ *oda.CRT, e *[]byte) { *e = nil },
		"dp not reduced": func(c *oda.CRT, _ *[]byte) {
			sum := new(big.Int).Sub(new(big.Int).SetBytes(c.P.Reveal()), big.NewInt(1))
			c.DP = secret.New(sum.Add(sum, new(big.Int).SetBytes(c.DP.Reveal())).Bytes())
		},
	} {
		crt, exponent := k.crt, k.exponent
		change(&crt, &exponent)
		if _, err := oda.NewPrivateKey(crt, exponent); !errors.Is(err, oda.ErrKey) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	padded := k.crt
	padded.QInv = secret.New(append(make([]byte, 64), k.crt.QInv.Reveal()...))
	if _, err := oda.NewPrivateKey(padded, k.exponent); err != nil {
		t.Errorf("zeroes in front: got %v", err)
	}
}

// assembled makes the parts of a key out of two numbers.
func assembled(p, q, e *big.Int) oda.CRT {
	one := big.NewInt(1)
	part := func(x *big.Int) secret.Secret { return secret.New(x.Bytes()) }
	return oda.CRT{
		P: part(p), Q: part(q), QInv: part(new(big.Int).ModInverse(q, p)),
		DP: part(new(big.Int).ModInverse(e, new(big.Int).Sub(p, one))),
		DQ: part(new(big.Int).ModInverse(e, new(big.Int).Sub(q, one))),
	}
}

// next is the first number from x on, in steps of two, with which one can sign
// and which fits.
func next(x, e *big.Int, fits func(*big.Int) bool) *big.Int {
	for x = new(big.Int).Set(x); ; x.Add(x, big.NewInt(2)) {
		if new(big.Int).ModInverse(e, new(big.Int).Sub(x, big.NewInt(1))) != nil && fits(x) {
			return x
		}
	}
}

// A number that is no prime passes for one until it signs: the signature fails
// its own verification and is withheld, as it is after a fault of the machine.
func TestWrongSignaturesAreWithheld(t *testing.T) {
	k := key(t, "icc-1024")
	e, q := new(big.Int).SetBytes(k.exponent), new(big.Int).SetBytes(k.crt.Q.Reveal())
	small := new(big.Int).MulRange(2, 5000) // else most numbers cannot blind
	p := next(new(big.Int).SetBytes(k.crt.P.Reveal()), e, func(x *big.Int) bool {
		return !x.ProbablyPrime(10) && new(big.Int).GCD(nil, nil, x, small).IsUint64() && new(big.Int).GCD(nil, nil, x, small).Uint64() == 1
	})
	broken := must[oda.PrivateKey](t)(oda.NewPrivateKey(assembled(p, q, e), k.exponent))
	if b, err := broken.SignDDA([]byte("number"), nil, random(1)); !errors.Is(err, oda.ErrFault) || b != nil {
		t.Errorf("got %d bytes, %v", len(b), err)
	}
}

// Primes of different lengths belong to another kind of key generation, and
// would be given away by the size of what cps transports.
func TestPrimesAreOfOneLength(t *testing.T) {
	e := big.NewInt(65537)
	prime := func(bits uint) *big.Int {
		from := new(big.Int).Lsh(big.NewInt(3), bits-2)
		return next(from.SetBit(from, 0, 1), e, func(x *big.Int) bool { return x.ProbablyPrime(10) })
	}
	p, q, r := prime(512), prime(520), prime(504)
	if _, err := oda.NewPrivateKey(assembled(q, r, e), []byte{1, 0, 1}); !errors.Is(err, oda.ErrKey) {
		t.Errorf("520 and 504 bits: got %v", err)
	}
	q = next(new(big.Int).Add(p, big.NewInt(2)), e, func(x *big.Int) bool { return x.ProbablyPrime(10) })
	if _, err := oda.NewPrivateKey(assembled(p, q, e), []byte{1, 0, 1}); err != nil {
		t.Errorf("512 and 512 bits: got %v", err)
	}
}

// One signature has one form: adding the modulus to it gives none.
func TestSignaturesAreBelowTheModulus(t *testing.T) {
	k := key(t, "icc-1024")
	card := oda.ICC{Key: k.Public()}
	for number := uint64(0); ; number++ {
		b := must[[]byte](t)(k.SignDDA([]byte{0, byte(number)}, nil, random(1)))
		sum := new(big.Int).Add(new(big.Int).SetBytes(b), k.n)
		if sum.BitLen() > 8*len(b) {
			continue
		}
		if _, err := card.VerifyDDA(sum.FillBytes(b), nil); !errors.Is(err, oda.ErrSize) {
			t.Errorf("got %v", err)
		}
		return
	}
}

// After Wipe no copy signs, and none panics.
func TestWipe(t *testing.T) {
	k := key(t, "icc-1024")
	mine := must[oda.PrivateKey](t)(oda.NewPrivateKey(k.crt, k.exponent))
	second := mine
	mine.Wipe()
	for _, wiped := range []oda.PrivateKey{mine, second} {
		if _, err := wiped.SignDDA([]byte("number"), nil, random(0)); !errors.Is(err, oda.ErrKey) {
			t.Errorf("got %v", err)
		}
	}
	if k.crt.P.Empty() || !second.Public().Equal(k.Public()) {
		t.Error("more was wiped than the key")
	}
	oda.PrivateKey{}.Wipe()
	if (oda.PrivateKey{}).Public().Size() != 0 {
		t.Error("no key has a size")
	}
}

// No verb and no encoder reaches a private key: not its primes, in no form.
func TestNothingPrintsAPrivateKey(t *testing.T) {
	k := key(t, "icc-1024")
	type holder struct {
		Exported oda.PrivateKey
		inner    oda.PrivateKey
		crt      oda.CRT
	}
	h := holder{k.PrivateKey, k.PrivateKey, k.crt}
	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&printed, verb+verb+verb, k.PrivateKey, h, &h)
	}
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("m", "k", k.PrivateKey, "h", h)
	if err := json.NewEncoder(&printed).Encode(h); err != nil {
		t.Fatal(err)
	}
	for _, part := range []secret.Secret{k.crt.P, k.crt.Q, k.crt.DP, k.crt.DQ, k.crt.QInv} {
		b := part.Reveal()[:8]
		for _, leak := range []string{string(b), fmt.Sprintf("%x", b), fmt.Sprintf("%X", b), fmt.Sprint(b[:4])[1:10], new(big.Int).SetBytes(part.Reveal()).String()[:12]} {
			if strings.Contains(printed.String(), leak) {
				t.Errorf("a part of the key was printed as %q", leak)
			}
		}
	}
	if !strings.Contains(printed.String(), "[secret]") {
		t.Error("nothing was printed at all: the test looked at nothing")
	}
}

func TestPublicKeyRefuses(t *testing.T) {
	good := key(t, "ca-1984").Public()
	for name, c := range map[string]struct{ modulus, exponent []byte }{
		"none":          {nil, []byte{3}},
		"too long":      {append([]byte{0x80}, good.Modulus()...), []byte{3}},
		"a zero before": {append([]byte{0}, good.Modulus()[:200]...), []byte{3}},
		"even":          {append(good.Modulus()[:247], 2), []byte{3}},
		"exponent 0":    {good.Modulus(), []byte{0}},
		"none at all":   {good.Modulus(), nil},
	} {
		if _, err := oda.NewPublicKey(c.modulus, c.exponent); !errors.Is(err, oda.ErrKey) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := oda.NewPublicKey(good.Modulus(), good.Exponent()); err != nil || good.Size() != 248 {
		t.Errorf("a good one: %d, %v", good.Size(), err)
	}
	good.Modulus()[0], good.Exponent()[0] = 0, 0
	if good.Modulus()[0] == 0 || good.Exponent()[0] == 0 {
		t.Error("a key can be changed from outside")
	}
}
