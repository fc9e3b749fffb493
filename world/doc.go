// Package world puts a whole tap together in one process: a bank with its
// database and its HTTP API, a SIM with applets that the bank has issued, a till
// with its journal, and what is between them. Each of the three can lose its
// power, and each of the links can break, at any point that a test names.
//
// New makes a World; Tap, Load, Settle and Restore do what people do in it; Audit
// adds up at the end what everybody has, and knows nothing of the rules by which
// they work.
package world
