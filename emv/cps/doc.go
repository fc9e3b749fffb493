// Package cps personalizes one applet of a SIM: it puts the applet's data into
// data groupings as the EMV Card Personalization Specification 1.1 numbers
// them, carries them to the card in STORE DATA blocks, and reads them there.
//
// The bank fills a Profile and calls Profile.Applet; what it hands out is
// Applet.Append, a file. Whoever installs it reads the file with ParseApplet,
// hides the key groups with Encrypt under the channel's data encryption key,
// and sends what Blocks cuts. The card puts the blocks together with an
// Assembly, opens the key groups with Decrypt, and Applet.Profile gives it every
// field back with its type.
//
// The groups are these; every number with a first byte of 01 to 0A is a record,
// file and number:
//
//	0101 0102  certificates: 8F 90 9F32 92, and 9F46 9F47 9F48
//	0103       last record of a tap: 9F74; the applet adds 9F69 itself
//	0201       the record of a contact transaction
//	0202       a certificate that covers record 0201
//	0E01       account data: 57 5F24 5F34 9F10 9F51 9F5D 9F68 9F6C 9F6D 9F77 9F78 9F79 DF51
//	8000       keys: AC, MAC, ENC                                     (hidden)
//	8201-8205  ICC private key: q^-1 mod p, d mod (q-1), d mod (p-1), q, p  (hidden)
//	9000       check values of the keys in 8000
//	9102       FCI proprietary template A5
//	9104       AIP and AFL of a contact transaction
//
// A purse has all of them, 0202 if it likes. An account has no 0103, and the
// certificates and 8201 to 8205 only together.
//
// It refuses: more than GroupsMax groups or SizeMax bytes, a group twice or
// unknown, a length that is not minimal, blocks out of order, a key group in
// clear on the wire or any other one hidden, check values and RSA parts that do
// not fit, records above RecordMax bytes, and any two fields that contradict
// each other. There is one form: what Applet.Profile takes, Profile.Applet
// writes again byte for byte.
//
// All data of groups is in secret.Secret, since PANs are among it. The file is
// not encrypted: it holds keys and travels through a channel that does it. No
// error carries a byte of data, and no input makes it panic.
package cps
