// Package bank has the rules of the issuer's server: accounts and ledger,
// cards, phones and their bindings, and the life of a payment from the code
// that is sent to the money that moves.
//
// Start with Bank: Do takes an Op and answers when its outcome is durable. An Op
// is pure. It names the rows it needs and is then applied to them, with time,
// randomness and keys handed in; it returns its answer and leaves behind
// changed rows, messages for phones, and events. One committer applies whatever
// ops are waiting, in order, and commits them as one database transaction
// (committer.go). A decline is an answer, never an error.
//
// The package knows no SQL, no HTTP and no bus: Store is what it wants of a
// database, and adapters below it do the rest. It promises that an answered op
// is durable, that an op with an idempotency key happens once, that every
// transfer balances, and that no answer, event or error has a code, a whole PAN
// or a key in it.
package bank
