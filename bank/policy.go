package bank

import (
	"math"

	"sotto/dyncode"
	"sotto/money"
)

// Policy is what an issuer may set. Durations are in milliseconds.
type Policy struct {
	PublicURL string // where the code page is reached, without a slash at the end

	CodeLifetime    int64 // a code, from when it is made
	PaymentLifetime int64 // a payment with all its codes, from creation
	HoldLifetime    int64 // an authorised payment that nobody captures
	BindLifetime    int64

	// LongCodeFrom is the amount from which codes have 8 digits, in hundredths of
	// a unit, whatever the currency's minor unit is.
	LongCodeFrom int64

	AttemptsMax     int64 // wrong codes one payment or binding bears
	PairFailuresMax int64 // wrong codes in a row at one card in all payments of one merchant
	CardFailuresMax int64 // wrong codes in a row over all payments of a card
	CardLock        int64 // how long the merchant or the card is then locked

	// A card receives at most a burst of codes, then one an interval: from
	// each merchant, and in all.
	PairBurst, PairInterval int64
	CardBurst, CardInterval int64

	IdempotencyKept int64 // how long answers are replayed
}

// CodeDigits is how long the code of a payment is.
func (p Policy) CodeDigits(minor int64, currency money.Currency) int {
	limit := p.LongCodeFrom
	places, _ := currency.Exponent()
	for ; places < 2; places++ {
		limit /= 10
	}
	for ; places > 2 && limit < math.MaxInt64/10; places-- {
		limit *= 10
	}
	if minor >= limit {
		return dyncode.CodeDigitsMax
	}
	return dyncode.CodeDigitsMin
}

// DefaultPolicy follows PSD2 RTS Article 4 (at most five failures), NIST
// SP 800-63B (at most ten minutes, six digits) and PCI DSS 8.3.4 (at most ten
// tries, then at least thirty minutes).
func DefaultPolicy() Policy {
	const second, minute, hour = 1000, 60 * 1000, 60 * 60 * 1000
	return Policy{
		PublicURL:       "http://127.0.0.1:8421",
		CodeLifetime:    180 * second,
		PaymentLifetime: 10 * minute,
		HoldLifetime:    7 * 24 * hour,
		BindLifetime:    10 * minute,
		LongCodeFrom:    1_000_000,
		AttemptsMax:     5,
		PairFailuresMax: 5,
		CardFailuresMax: 10,
		CardLock:        30 * minute,
		PairBurst:       5, PairInterval: 30 * second,
		CardBurst: 10, CardInterval: 20 * second,
		IdempotencyKept: 24 * hour,
	}
}
