// Package pos has the rules of the terminal at the till (B1, B5, B9): it sets up
// the connection with a chip, tells it the amount, lets it name the application
// that shall pay, debits that application, and brings the merchant's money home.
//
// Begin with New. Tap takes one payment from whatever chip comes to the reader;
// Reverse, Upload and Settle speak to the bank. A tap runs through Entry Point in the
// order of EMV Contactless Book B 2.11, one file a step:
//
//	preprocess.go  3.1    limits, terminal transaction qualifiers
//	activate.go    3.2    the chip comes
//	ppse.go        3.3.2  step 1: SELECT PPSE
//	spi.go         3.3.2  step 1A: SEND POI INFORMATION, when the chip asks for it
//	candidates.go  3.3.2  step 2: the candidate list
//	choose.go      3.3.3  final selection, and Select Next
//	options.go     GET PROCESSING OPTIONS     (kernels 3 and 7, JR/T 0025.12)
//	records.go     READ RECORD
//	qpboc.go       the contactless kernel, offline and online
//
// Over contacts it is EMV 4.4: directory.go (Book 1, 12), contact.go and
// generate.go (Books 3 and 4). What both share: authenticate.go, online.go,
// scripts.go. recover.go is about taps that were torn.
//
// It promises:
//
//   - It approves nothing but what a verified signature of the chip over this
//     amount (fast DDA of version 01, CDA) or the bank has approved.
//   - Before the command that makes a chip's debit final, and before it says
//     approved, it has written to its Journal. A debit whose end it did not see
//     stays open there, is looked for in the log of the chip when that comes
//     again, and is never claimed from the bank before it was found.
//   - What it asked the bank without hearing the answer is reversed, however
//     often the terminal is started anew meanwhile, and before the bank is asked
//     for more.
//   - No chip makes it panic, run for ever, or tell more than masked card
//     numbers; no error and no trace has a whole one in it.
//
// It refuses to go on with data objects that come twice, answers of more than
// 256 bytes, lists of records without end, and everything that is not said in
// the way the books say it. It knows no PIN: a chip that insists on one is
// declined. Loads of a purse are not done here: there the bank and the purse
// speak with each other, and package sim/host carries their words.
//
// Time, randomness, reader, journal and bank are handed in.
package pos
