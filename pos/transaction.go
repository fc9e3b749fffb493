package pos

import (
	"context"
	"fmt"
	"io"
	"time"

	"sotto/emv"
	"sotto/emv/oda"
	"sotto/tlv"
)

// transaction is one sale with one chip. What belongs to one application is
// forgotten when the next is selected.
type transaction struct {
	*Terminal

	sale   Sale
	amount emv.Amount
	at     time.Time
	date   emv.Date
	chip   *chip
	found  []Receipt // torn taps of other sales
	// The caller's patience, and of that as much as a chip or the bank gets. What
	// a chip takes does not count for the bank, nor the other way round.
	chipTime, bankTime func() (context.Context, context.CancelFunc)

	// Of the application.
	app    candidate
	aid    []byte // as the chip has named it
	label  string
	fci    fci
	number [4]byte // 9F37, fresh for each application
	told   objects // what GET PROCESSING OPTIONS and the records have shown
	static []oda.Record
	sent   []byte // all values that lists have asked for so far: CDA signs them
	asked  emv.Values
	card   *card
	tvr    emv.TVR
	tsi    emv.TSI
	reply  bankReply

	verified []byte  // 9F34
	receipt  Receipt // of the cryptogram that was given, if one was
	proved   bool    // the chip has signed with the key of its certificates
	absent   []Entry // torn taps that are not in this chip's log
}

// bankReply is what a bank's answer gives to the chip.
type bankReply struct {
	arc        emv.ARC
	issuerAuth []byte
}

func (t *Terminal) newTransaction(sale Sale) (*transaction, error) {
	now := t.o.Now()
	date, err := emv.NewDate(now.Year(), int(now.Month()), now.Day())
	if err != nil {
		return nil, fmt.Errorf("pos: the terminal's clock is not set: %w", err)
	}
	amount, err := emv.NewAmount(sale.Amount.Minor)
	if err != nil {
		return nil, fmt.Errorf("pos: %w", err)
	}
	return &transaction{Terminal: t, sale: sale, amount: amount, at: now, date: date}, nil
}

// newNumber draws the unpredictable number (9F37).
func (x *transaction) newNumber() error {
	if _, err := io.ReadFull(x.o.Random, x.number[:]); err != nil {
		return fmt.Errorf("pos: no randomness for the unpredictable number: %w", err)
	}
	return nil
}

// Words that a terminal of ours says of itself. Type and capabilities: attended,
// at a merchant's; chips over contacts and over the air; no PIN; CDA.
const (
	typeOnline  = 0x22 // offline with online capability
	typeOffline = 0x23 // offline only

	capabilityChip      = 0x20
	capabilityNoCVM     = 0x08
	capabilitySignature = 0x20
	capabilityCDA       = 0x08

	entryContactless = 0x07
	entryContact     = 0x05
)

// capabilitiesMore (9F40): goods and services, a keypad, print and display for
// both sides, the code table 1.
var capabilitiesMore = []byte{0x60, 0x00, 0xF0, 0xF0, 0x01}

// know is what the terminal can say for a data object list; nil it does not
// know. What the chip itself has said counts as well (EMV 4.4 Book 3, 5.4).
func (x *transaction) know(tag tlv.Tag) []byte {
	if b := x.knowSale(tag); b != nil {
		return b
	}
	if b := x.knowTerminal(tag); b != nil {
		return b
	}
	return x.told[tag]
}

func (x *transaction) knowSale(tag tlv.Tag) []byte {
	switch tag {
	case emv.TagAmount:
		return x.amount[:]
	case emv.TagAmountBinary:
		m := x.sale.Amount.Minor
		return []byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}
	case emv.TagAmountOther:
		return make([]byte, 6)
	case emv.TagCurrency:
		n := x.currency()
		return n[:]
	case emv.TagDate:
		return x.date[:]
	case emv.TagTime:
		return []byte{bcd(x.at.Hour()), bcd(x.at.Minute()), bcd(x.at.Second())}
	case emv.TagType:
		return []byte{emv.TypePurchase}
	case emv.TagUnpredictable:
		return x.number[:]
	case emv.TagTTQ:
		return x.app.TTQ.Append(nil)
	case emv.TagTVR:
		return x.tvr.Append(nil)
	case emv.TagTSI:
		return x.tsi.Append(nil)
	case emv.TagCVMResults:
		return x.holderResult()
	case emv.TagARC:
		if x.reply.arc != 0 {
			return x.reply.arc.Append(nil)
		}
	case emv.TagIssuerAuth:
		return x.reply.issuerAuth
	}
	return nil
}

func (x *transaction) knowTerminal(tag tlv.Tag) []byte {
	s := x.settings
	switch tag {
	case emv.TagCountry:
		return s.Country[:]
	case emv.TagTerminal:
		return padded(s.Terminal, 8)
	case emv.TagMerchant:
		return padded(s.Merchant, 15)
	case emv.TagMerchantName:
		return padded(s.Name, 20)
	case emv.TagMCC:
		return []byte{bcd(s.Category / 100), bcd(s.Category % 100)}
	case emv.TagTerminalType:
		if x.online() {
			return []byte{typeOnline}
		}
		return []byte{typeOffline}
	case emv.TagTerminalCaps:
		verification := byte(capabilityNoCVM)
		if s.Signature {
			verification |= capabilitySignature
		}
		return []byte{capabilityChip, verification, capabilityCDA}
	case emv.TagTerminalCapsMore:
		return capabilitiesMore
	case emv.TagVersionTerminal:
		return emv.VersionPBOC.Append(nil)
	case emv.TagAID:
		return x.aid
	case emv.TagCurrencyExponent:
		places, _ := s.Currency.Exponent()
		return []byte{byte(places)}
	case emv.TagPOI:
		return x.poi()
	case emv.TagPurseIndicator:
		return []byte{1}
	case emv.TagEntryMode:
		if x.contact() {
			return []byte{entryContact}
		}
		return []byte{entryContactless}
	}
	return nil
}

func (x *transaction) currency() emv.Numeric {
	n, err := emv.NewNumeric(x.sale.Amount.Currency.Numeric())
	if err != nil {
		panic("pos: a currency without a number") // checkSale has seen that it is known
	}
	return n
}

// fill fills a data object list, and remembers what was said: cryptograms and
// signatures of the chip cover it.
func (x *transaction) fill(list emv.DOL) []byte {
	values := list.Fill(nil, x.know)
	asked, err := list.Read(values)
	if err != nil {
		panic("pos: a list was not filled as it asks")
	}
	x.asked = asked
	x.sent = append(x.sent, values...)
	return values
}

func padded(s string, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = ' '
	}
	copy(b, s)
	return b
}

func bcd(n int) byte { return byte(n/10%10<<4 | n%10) }
