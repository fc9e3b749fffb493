// Package phone has the rules of the mobile payment terminal (A8): it takes
// what the bank sends, makes of it what one card understands, brings it there,
// and passes the card's answer back.
//
// Start with New. Dispatch takes a message of the bank's bus; Run does the rest
// until its context ends, and Turn does the same in one goroutine for a
// simulator that has its own clock.
//
// It promises that it shows nothing (Screen), that its log has ids and states
// only, that it writes no message to disk, and that what it opens on its way to
// a card is wiped before anything else happens. In the profile card-sealed it
// cannot open a code at all. It never seals twice under one counter, over
// restarts and backups of its state too (ring.go).
//
// What a phone does with a message is decided in desk.go, without clock, key or
// goroutine. The bank's outbox is the truth: whatever is dropped here stays
// pending there and comes again.
package phone
