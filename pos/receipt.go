package pos

import (
	"strconv"
	"strings"
	"time"

	"sotto/money"
)

// Receipt is what is printed of a tap, for the customer and for the merchant. It
// has no whole card number in it.
type Receipt struct {
	Merchant  string       `json:"merchant,omitempty"`
	Name      string       `json:"name,omitempty"`
	Terminal  string       `json:"terminal"`
	Reference string       `json:"reference"`
	Order     string       `json:"order,omitempty"`
	At        time.Time    `json:"at"`
	Amount    money.Amount `json:"amount"`

	Approved bool   `json:"approved"`
	Reason   Reason `json:"reason"`
	// ResponseCode is the bank's (8A), or the terminal's own: Y1, Z1, Z3.
	ResponseCode string `json:"response_code,omitempty"`

	AID     string `json:"aid"` // hex
	Label   string `json:"label,omitempty"`
	Number  string `json:"number"` // masked PAN
	Contact bool   `json:"contact,omitempty"`
	ATC     int    `json:"atc"`
	Kind    string `json:"kind"` // of the cryptogram: TC, ARQC, AAC
	AC      string `json:"ac"`   // hex
	TVR     string `json:"tvr"`  // hex
	TSI     string `json:"tsi,omitempty"`
	// Signature asks for the holder's, on the merchant's copy.
	Signature bool `json:"signature,omitempty"`
	// Left is what the purse holds after it, in minor units, if it said so.
	Left *int64 `json:"left,omitempty"`
}

// receiptWidth is how many characters fit on a line of a narrow printer.
const receiptWidth = 32

// Text is the receipt in lines of at most 32 characters of plain ASCII.
func (r Receipt) Text() string {
	p := &paper{}
	p.centre(r.Name)
	p.pair("Merchant", r.Merchant)
	p.pair("Terminal", r.Terminal)
	p.pair("Date", r.At.Format("2006-01-02 15:04:05"))
	p.pair("Reference", r.Reference)
	p.pair("Order", r.Order)
	p.rule()
	p.pair("Card", r.Number)
	p.pair("Application", r.Label)
	p.pair("AID", r.AID)
	p.pair("Entry", map[bool]string{true: "chip", false: "contactless chip"}[r.Contact])
	p.pair("ATC", strconv.Itoa(r.ATC))
	p.pair(r.Kind, r.AC)
	p.pair("TVR", r.TVR)
	p.pair("TSI", r.TSI)
	p.pair("Response", r.ResponseCode)
	p.rule()
	p.pair("PURCHASE", r.Amount.String())
	if r.Left != nil {
		p.pair("Left on the card", money.Amount{Minor: *r.Left, Currency: r.Amount.Currency}.String())
	}
	p.centre(r.verdict())
	if r.Signature && r.Approved {
		p.line("")
		p.pair("Signature", strings.Repeat(".", 20))
	}
	return p.b.String()
}

func (r Receipt) verdict() string {
	if r.Approved {
		return "APPROVED"
	}
	return "DECLINED: " + string(r.Reason)
}

// paper collects lines.
type paper struct{ b strings.Builder }

func (p *paper) line(s string) { p.b.WriteString(strings.TrimRight(s, " ") + "\n") }

func (p *paper) rule() { p.line(strings.Repeat("-", receiptWidth)) }

// centre writes one or more lines, broken at spaces.
func (p *paper) centre(s string) {
	for s != "" {
		row := s
		if len(row) > receiptWidth {
			row = row[:receiptWidth]
			if at := strings.LastIndexByte(row, ' '); at > 0 {
				row = row[:at]
			}
		}
		s = strings.TrimLeft(s[len(row):], " ")
		p.line(strings.Repeat(" ", (receiptWidth-len(row))/2) + row)
	}
}

// pair writes a name on the left and its value on the right, on a line of its
// own where they do not fit on one. What is empty is left out.
func (p *paper) pair(name, value string) {
	if value == "" {
		return
	}
	space := receiptWidth - len(name) - len(value)
	if space < 1 {
		p.line(name)
		name, space = "", max(0, receiptWidth-len(value))
	}
	p.line(name + strings.Repeat(" ", space) + value)
}
