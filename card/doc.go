// Package card has the rules of the display payment card: what it opens, what
// it shows, what it remembers, and what it answers.
//
// Start with Device: give it a Memory, a Store that keeps it, a Prompt that
// presents, and a clock, and hand it every message that a link brings. The
// rules themselves are a pure function from memory and message to a decision;
// the device only carries decisions out, in this order:
//
//	authenticate → keep the counters → show → keep "shown" → answer
//
// so that a card whose power fails at any point has shown the last whole truth
// or nothing, never the same counter's message twice, and has never said
// "shown" of what it did not show. A refusal changes nothing at all. At most
// one code is on the prompt, and it leaves at its end or with the next message
// that is accepted.
//
// The package builds for a microcontroller: it imports no fmt, no reflection,
// no network and no files (an allow-list in its tests keeps that).
package card
