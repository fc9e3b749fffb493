// Package bench measures the bank as those meet it who use it: merchants over
// HTTP, payers with a card, phones on the bus.
//
// Start with Payments. It opens a real bank (package service: SQLite with
// synchronous=FULL on a real disk, the bus with TLS, API keys, pacing,
// idempotency keys, the audit chain), connects simulated phones that hold
// simulated cards, and lets merchants create and confirm payments through the
// loopback interface. Phones seal and cards open with the real package dyncode.
//
// Nothing is switched off for speed but the limits: pacing is reckoned with a
// wide budget, because one payer here buys a thousand times a second. What is
// measured is checked: when the load ends, the database is opened anew, its
// audit chain and ledger are verified, and every payment that was acknowledged
// must be there with its money. A result that fails the check is an error.
//
// Taps measures offline debits at the bank. Choice and Air are about the tap
// itself, between SIM and till: how many succeed because the SIM chooses, held
// against an oracle of their own, and how long they take in the field, by a model
// of ISO/IEC 14443 (airmodel.go).
//
// Load generator and bank share the process and the machine, and the figures
// say what either took.
package bench
