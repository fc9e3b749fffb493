// Package voice is the card's spoken prompt (A4): it says amount and code in
// English or Mandarin from recorded clips.
//
// Say composes a view into a Speech, a list of clips and pauses; Samples makes
// sound of a Speech, and AppendWAV a file of the sound. Prompt is a card.Prompt
// that does all this and hands the sound to a Player. Composition and sound are
// pure functions: the same view is the same bytes on every machine.
//
// What is said, in this order: what it is about, the amount, what cannot be
// said, the code in groups of three digits, and the code again as often as the
// settings ask.
//
// What cannot be said: text that others wrote, above all the payee's name, for
// it is not among the clips. The speech says that there is such a text, and that
// it is on the display or, without a display, that it is not spoken. Spell makes
// letters of it, as far as it is written in Latin letters and digits, and says
// where there is something else. A payer who cannot see thus hears amount and
// code and, of a name in Latin script, its letters; a Chinese name he must take
// on trust or hear elsewhere. Who is near hears the code as well.
//
// The package builds for a microcontroller. The clips take 4,000 bytes for a
// second: 8,000 samples in IMA ADPCM.
package voice
