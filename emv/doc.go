// Package emv speaks the words of a chip payment: data objects and their bits,
// data object lists, keys, cryptograms and issuer scripts.
//
// The standards are EMV 4.4 Books 1 to 4 ("Book 3, 5.4" in comments), EMV
// Contactless Book A and B 2.11 and Book C-3, and JR/T 0025-2013, the purse
// (PBOC). Meanings of tags collide across these: a constant says whose it is,
// and an application decides by its AID.
//
// Begin with Tag… and Name for data objects, ParseDOL and ParseAFL for what a
// card asks for and offers, ParseIAD for what it tells its bank, NewIssuerKey
// and IssuerKey.Master for keys, and MasterKey for everything that is computed
// with one.
//
// Fields of a fixed length are arrays or integers that hold whatever stood on
// the wire, since a cryptogram covers exactly that; methods that interpret them
// refuse what the format forbids. Parsers are bounded and never panic, and what
// they take is written again as it was, but for the filling behind a PAN. Keys
// and PANs cannot be printed, and no error contains a value. Cryptograms are
// compared in constant time.
package emv
