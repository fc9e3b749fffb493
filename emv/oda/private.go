package oda

import (
	"crypto/sha3"
	"math/big"
	"slices"

	"sotto/secret"
)

// RandomSize is how many random bytes one signature takes for its blinding.
const RandomSize = 32

// CRT is an RSA private key in the five parts in which EMV CPS carries it
// (DGIs 8205 to 8201): the primes p and q, the exponent modulo p-1 and q-1, and
// the inverse of q modulo p. Zeroes in front do not matter.
type CRT struct {
	P, Q, DP, DQ, QInv secret.Secret
}

// PrivateKey signs. It keeps its numbers in a closure, where nothing that
// prints or marshals can reach them. Goroutines may share it. The zero
// PrivateKey signs nothing.
type PrivateKey struct{ reveal func() *parts }

type parts struct {
	public             PublicKey
	p, q, dp, dq, qInv *big.Int
	p1, q1             *big.Int // p-1 and q-1
}

// NewPrivateKey puts a key together and refuses parts that do not belong to
// each other or to this exponent, and primes of different lengths. It does not
// prove that they are prime; whoever made them answers for that.
func NewPrivateKey(crt CRT, exponent []byte) (PrivateKey, error) {
	k := &parts{
		p: number(crt.P), q: number(crt.Q),
		dp: number(crt.DP), dq: number(crt.DQ), qInv: number(crt.QInv),
	}
	public, err := newPublicKey(new(big.Int).Mul(k.p, k.q).Bytes(), exponent)
	if err != nil || k.p.BitLen() != k.q.BitLen() {
		return PrivateKey{}, in(partKey, ErrKey)
	}
	k.public = public
	k.p1, k.q1 = minusOne(k.p), minusOne(k.q)
	e := new(big.Int).SetBytes(exponent)
	if !inverse(k.dp, e, k.p1) || !inverse(k.dq, e, k.q1) || !inverse(k.qInv, k.q, k.p) {
		return PrivateKey{}, in(partKey, ErrKey)
	}
	return PrivateKey{func() *parts { return k }}, nil
}

func number(s secret.Secret) *big.Int { return new(big.Int).SetBytes(s.Reveal()) }

func minusOne(x *big.Int) *big.Int { return new(big.Int).Sub(x, big.NewInt(1)) }

// inverse reports whether a is the inverse of b modulo m, and below m.
func inverse(a, b, m *big.Int) bool {
	product := new(big.Int).Mul(a, b)
	return m.Sign() > 0 && a.Cmp(m) < 0 && product.Mod(product, m).IsUint64() && product.Uint64() == 1
}

// Public is the public half; of the zero PrivateKey it is the zero PublicKey.
func (k PrivateKey) Public() PublicKey {
	if k.reveal == nil {
		return PublicKey{}
	}
	return k.reveal().public
}

// Wipe overwrites the private numbers. Every copy of this key signs nothing from
// then on; none may be signing meanwhile.
func (k PrivateKey) Wipe() {
	if k.reveal == nil {
		return
	}
	x := k.reveal()
	for _, part := range []*big.Int{x.p, x.q, x.dp, x.dq, x.qInv, x.p1, x.q1} {
		clear(part.Bits()[:cap(part.Bits())])
		part.SetUint64(0)
	}
}

// String answers "[secret]", as a Secret does.
func (PrivateKey) String() string { return "[secret]" }

// GoString answers "[secret]", for %#v.
func (PrivateKey) GoString() string { return "[secret]" }

// MarshalText answers "[secret]".
func (PrivateKey) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// sign is the signing function of Book 2, annex B2.1, on a whole block.
//
// With r random, s = ((block*r^e)^d)*r^-1: the base of the exponentiation, and
// so its timing, says nothing of the block. The exponents grow by random
// multiples of p-1 and q-1, which do not change the result.
func (k PrivateKey) sign(block []byte, random [RandomSize]byte) ([]byte, error) {
	if k.reveal == nil || len(block) != k.Public().Size() {
		return nil, ErrMake
	}
	x := k.reveal()
	if x.p.Sign() == 0 {
		return nil, ErrKey // wiped
	}
	n := x.public.modulus
	m := new(big.Int).SetBytes(block)
	r, kp, kq := blinding(random, block)
	r.Mod(r, n)
	unblind := new(big.Int).ModInverse(r, n)
	if unblind == nil { // r shares a factor with n: it is 0, or the key is broken
		return nil, ErrFault
	}
	s := x.public.raise(r)
	s.Mod(s.Mul(s, m), n)
	s = x.crt(s, kp, kq)
	s.Mod(s.Mul(s, unblind), n)
	// A fault in one half of the CRT would let anyone compute a prime from the
	// signature (Boneh, DeMillo, Lipton 1997).
	if x.public.raise(s).Cmp(m) != 0 {
		return nil, ErrFault
	}
	return x.public.fill(s), nil
}

// crt is c^d mod n by its two halves (RFC 8017, 5.2.1, step 2b).
func (x *parts) crt(c, kp, kq *big.Int) *big.Int {
	dp := kp.Add(kp.Mul(kp, x.p1), x.dp)
	dq := kq.Add(kq.Mul(kq, x.q1), x.dq)
	m1 := new(big.Int).Exp(new(big.Int).Mod(c, x.p), dp, x.p)
	m2 := new(big.Int).Exp(new(big.Int).Mod(c, x.q), dq, x.q)
	h := m1.Sub(m1, m2)
	h.Mod(h.Mul(h, x.qInv), x.p)
	return h.Add(h.Mul(h, x.q), m2)
}

// blinding stretches the random bytes. The block goes in as well, so that bytes
// used twice by mistake do not blind two messages alike.
func blinding(random [RandomSize]byte, block []byte) (r, kp, kq *big.Int) {
	b := sha3.SumSHAKE256(slices.Concat(random[:], block), len(block)+16+8+8)
	defer clear(b)
	kq = new(big.Int).SetBytes(b[:8])
	kp = new(big.Int).SetBytes(b[8:16])
	return new(big.Int).SetBytes(b[16:]), kp, kq
}
