// Package sim has the rules of the near-field payment device: a SIM, or a phone
// that holds one, with up to 200 card applications (applets), which finds among
// them the one that can pay.
//
// Start with Open: a Store, a device key, randomness, and perhaps a clock. The
// Device is a link.Chip: give it to a reader. To readers it is a payment card of
// three kinds at once,
//
//   - for readers that send the amount before they select (SEND POI INFORMATION,
//     EMV Contactless Book B): it opens every applet's account, chooses, and
//     names one, or says why there is none;
//   - for readers that do not: it lists the applets that could pay, and those
//     that then cannot answer 6985, so that the reader takes the next one;
//   - for contact readers: a directory, and GENERATE AC with CDA.
//
// To an issuer it is a GlobalPlatform card (Card Specification 2.3.1) behind an
// SCP03 channel; package host drives it. To its holder it is List, Show, Prefer,
// SetPolicy, Lock, Unlock and Log. An applet is a purse, which holds money and
// pays offline (JR/T 0025-2013), or an account, for which the bank decides.
//
// Every command is one pure step: it reads the store, decides, and what it has
// changed is committed at once, before the answer leaves. A command that is
// refused has changed nothing; the one exception is a script of the bank that
// fails, which the bank has to hear of. A debit counts when its reader has all
// that it needs to prove it; a device that is pulled away at any byte has the
// money or has not, and the reader finds in the log which it is.
//
// Each applet has a credential of its own, random, made when it is installed,
// and kept beside its AID under the device key. Account, keys, records and logs
// are sealed under it. Beyond that the whole store is authenticated when the
// device starts: one that was damaged does not start. Against somebody who puts
// a whole older copy of the store in its place nothing here helps.
//
// It does not: verify PINs, speak on logical channels, chain commands, load code
// (applets are of the kinds that there are), give money back to a card, or let an
// applet be personalized twice. It never panics on what a reader says.
package sim
