// Package lab runs every role in one process, with demo data and one web page in
// two parts: shop, bank, phone and card, and the links between them; and a till
// with a reader, and the SIM in that phone with four applets.
//
// Open starts it. Nothing in it is make-believe but the radio and the money: the
// bank is the real service over SQLite, the phone has enrolled with a ticket and
// speaks to the bank's bus over TLS, the card was personalised with an age key
// and keeps its memory in two flash files, and the two were bound by a code on
// the card's screen. Between them are the links themselves over the model of
// their radios (package link/mem), by distance and from one seed; the visitor
// chooses the link, and walks the phone away. The applets were issued by that
// bank, installed through a secure channel and loaded from the account, and the
// till has a merchant's key, a journal, and the bank's public keys. The lab only
// looks on, from where no code can be seen: it taps each link and shows the
// sealed bytes that crossed.
//
// What it promises: State has a phone whose screen is empty, always; the code is
// in State as the card's screen shows it, and nowhere else, and in the sound of
// GET /lab/card/voice.wav if the card has a voice; no card number and no key is
// in it; State.Tap.Where accounts for every cent of the float, also while a tap
// is torn. A lab with a data folder comes back as it was left; one without
// leaves nothing behind. It listens on this machine alone unless told otherwise,
// and takes changes from its own page only. Its keys are for play: no lab is a
// bank.
package lab
