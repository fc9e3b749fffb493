package host

import (
	"context"
	"errors"
	"fmt"

	"sotto/apdu"
	"sotto/emv"
	"sotto/link"
	"sotto/tlv"
)

// Terms are what the terminal says of the transaction.
type Terms struct {
	Amount        emv.Amount // by how much the bank is asked to raise the balance; of an inquiry none
	Currency      emv.Numeric
	Country       emv.Numeric
	Date          emv.Date
	Unpredictable [4]byte // fresh random bytes
}

// Request is what the bank has to know to decide: the applet's ARQC, and all
// that it covers.
type Request struct {
	AID           []byte
	PAN           emv.PAN
	PSN           byte
	ATC           uint16
	Amount, Other emv.Amount
	Currency      emv.Numeric
	Country       emv.Numeric
	TVR           emv.TVR
	Date          emv.Date
	Type          byte
	Unpredictable [4]byte
	AIP           emv.AIP
	IAD           []byte
	CID           emv.CID
	ARQC          [8]byte // or whatever cryptogram CID says
}

// Answer is what the bank says: issuer authentication data with its response
// code, and script commands with their MACs.
type Answer struct {
	IssuerAuth []byte // 91, ten bytes
	ARC        emv.ARC
	Commands   [][]byte
}

// Bank reaches the bank.
type Bank func(context.Context, Request) (Answer, error)

// Outcome is how a transaction ended. A link that dies leaves it unknown whether the
// script was executed; the applet's next cryptogram tells the bank.
type Outcome struct {
	ATC      uint16
	Executed int // script commands that were answered with success
	// Approved says that the applet has concluded with a TC.
	Approved bool
}

// ErrRefused says that the applet or the bank does not want this transaction.
var ErrRefused = errors.New("the transaction was refused")

// ErrMalformed says that the applet answered something that cannot be read.
var ErrMalformed = errors.New("the applet's answer cannot be read")

// walk is one transaction under way.
type walk struct {
	connection link.Connection
	request    Request
	arc        emv.ARC
	issuerAuth []byte
	pdol       emv.DOL
	cdol1      emv.DOL
	cdol2      emv.DOL
}

// newWalk begins at the applet's door. Kind is the transaction type (9C).
func newWalk(c link.Connection, aid []byte, kind byte, terms Terms) *walk {
	return &walk{connection: c, request: Request{
		AID: aid, Amount: terms.Amount, Currency: terms.Currency, Country: terms.Country, Date: terms.Date,
		Type: kind, Unpredictable: terms.Unpredictable,
	}}
}

// Load walks an applet through a load (JR/T 0025.5, 5.8).
func Load(ctx context.Context, c link.Connection, aid []byte, terms Terms, bank Bank) (Outcome, error) {
	return newWalk(c, aid, emv.TypeLoad, terms).online(ctx, bank)
}

// online asks the applet for an ARQC, the bank for its answer, and gives that to
// the applet (EMV 4.4 Book 3, 10.8 to 10.10).
func (w *walk) online(ctx context.Context, bank Bank) (Outcome, error) {
	if err := w.begin(ctx); err != nil {
		return Outcome{}, err
	}
	out := Outcome{ATC: w.request.ATC}
	said, err := bank(ctx, w.request)
	if err != nil {
		return out, fmt.Errorf("ask the bank: %w", err)
	}
	return w.finish(ctx, out, said)
}

// begin goes as far as the ARQC.
func (w *walk) begin(ctx context.Context) error {
	if err := w.choose(ctx); err != nil {
		return fmt.Errorf("select the applet: %w", err)
	}
	afl, err := w.options(ctx)
	if err != nil {
		return fmt.Errorf("GET PROCESSING OPTIONS: %w", err)
	}
	if err := w.records(ctx, afl); err != nil {
		return fmt.Errorf("READ RECORD: %w", err)
	}
	if err := w.firstCryptogram(ctx); err != nil {
		return fmt.Errorf("GENERATE AC: %w", err)
	}
	return nil
}

func (w *walk) send(ctx context.Context, c apdu.Command) ([]byte, error) {
	r, err := transmit(ctx, w.connection, c)
	return r.Data, err
}

// choose selects the applet, and reads what it asks for in its PDOL.
func (w *walk) choose(ctx context.Context) error {
	said, err := w.send(ctx, selectName(w.request.AID))
	if err != nil {
		return err
	}
	for _, tag := range []tlv.Tag{emv.TagFCI, emv.TagFCIProprietary, emv.TagPDOL} {
		var found bool
		if said, found = tlv.Find(said, tag); !found {
			return nil
		}
	}
	w.pdol, err = emv.ParseDOL(said)
	return err
}

// options sends GET PROCESSING OPTIONS with what the applet asks for.
func (w *walk) options(ctx context.Context) (emv.AFL, error) {
	data := tlv.Append(nil, emv.TagCommandTemplate, w.pdol.Fill(nil, w.lookup))
	said, err := w.send(ctx, apdu.Command{CLA: 0x80, INS: 0xA8, Data: data, Ne: apdu.NeMaxShort})
	if err != nil {
		return nil, err
	}
	said, err = tlv.Only(said, emv.TagResponse1)
	if err != nil || len(said) < 2 {
		return nil, ErrMalformed
	}
	if w.request.AIP, err = emv.ParseAIP(said[:2]); err != nil {
		return nil, ErrMalformed
	}
	return emv.ParseAFL(said[2:])
}

// lookup is what this terminal has to say.
func (w *walk) lookup(tag tlv.Tag) []byte {
	q := &w.request
	switch tag {
	case emv.TagTTQ:
		return emv.TTQQPBOC.Append(nil)
	case emv.TagAmount:
		return q.Amount[:]
	case emv.TagCountry:
		return q.Country[:]
	case emv.TagCurrency:
		return q.Currency[:]
	case emv.TagDate:
		return q.Date[:]
	case emv.TagType:
		return []byte{q.Type}
	case emv.TagUnpredictable:
		return q.Unpredictable[:]
	case emv.TagARC:
		return w.arc.Append(nil)
	case emv.TagIssuerAuth:
		return w.issuerAuth
	}
	return nil // zeros
}

// records reads what the AFL names, and keeps what a cryptogram needs.
func (w *walk) records(ctx context.Context, afl emv.AFL) error {
	for at := range afl.Records() {
		said, err := w.send(ctx, apdu.Command{INS: 0xB2, P1: at.Number, P2: at.SFI<<3 | 0x04, Ne: apdu.NeMaxShort})
		if err != nil {
			return err
		}
		record, err := tlv.Only(said, emv.TagRecord)
		if err != nil {
			return ErrMalformed
		}
		for rest := record; ; {
			o, next, ok, err := tlv.Next(rest)
			if err == nil && ok {
				err = w.keep(o)
			}
			if err != nil {
				return ErrMalformed
			}
			if !ok {
				break
			}
			rest = next
		}
	}
	if w.cdol1 == nil || w.cdol2 == nil || w.request.PAN.Empty() {
		return ErrMalformed
	}
	return nil
}

func (w *walk) keep(o tlv.Object) (err error) {
	switch o.Tag {
	case emv.TagPAN:
		w.request.PAN, err = emv.ParsePAN(o.Value)
	case emv.TagPSN:
		if len(o.Value) == 1 {
			w.request.PSN = o.Value[0]
		}
	case emv.TagCDOL1:
		w.cdol1, err = emv.ParseDOL(o.Value)
	case emv.TagCDOL2:
		w.cdol2, err = emv.ParseDOL(o.Value)
	}
	return err
}

// firstCryptogram asks for an ARQC.
func (w *walk) firstCryptogram(ctx context.Context) error {
	said, err := w.generate(ctx, emv.ARQC, w.cdol1)
	if err != nil {
		return err
	}
	if emv.CID(said[0]).Kind() != emv.ARQC {
		return ErrRefused
	}
	w.request.CID = emv.CID(said[0])
	w.request.ATC = uint16(said[1])<<8 | uint16(said[2])
	w.request.ARQC = [8]byte(said[3:11])
	w.request.IAD = said[11:]
	return nil
}

// generate sends GENERATE AC, whose answer is of format 1: CID, ATC, cryptogram,
// issuer application data.
func (w *walk) generate(ctx context.Context, kind emv.CID, list emv.DOL) ([]byte, error) {
	data := list.Fill(nil, w.lookup)
	said, err := w.send(ctx, apdu.Command{CLA: 0x80, INS: 0xAE, P1: byte(kind), Data: data, Ne: apdu.NeMaxShort})
	if err != nil {
		return nil, err
	}
	said, err = tlv.Only(said, emv.TagResponse1)
	if err != nil || len(said) < 1+2+8 {
		return nil, ErrMalformed
	}
	return said, nil
}

// finish gives the bank's answer to the applet: who it is, the conclusion, then
// the script.
func (w *walk) finish(ctx context.Context, out Outcome, said Answer) (Outcome, error) {
	w.arc, w.issuerAuth = said.ARC, said.IssuerAuth
	asks := emv.AAC
	if said.ARC.Approved() {
		asks = emv.TC
	}
	if len(said.IssuerAuth) > 0 && w.request.AIP.Has(emv.AIPIssuerAuth) {
		c := apdu.Command{INS: 0x82, Data: said.IssuerAuth}
		if _, err := w.send(ctx, c); err != nil {
			return out, fmt.Errorf("EXTERNAL AUTHENTICATE: %w", err)
		}
	}
	cryptogram, err := w.generate(ctx, asks, w.cdol2)
	if err != nil {
		return out, fmt.Errorf("second GENERATE AC: %w", err)
	}
	out.Approved = emv.CID(cryptogram[0]).Kind() == emv.TC
	for _, command := range said.Commands {
		c, err := apdu.Parse(command)
		if err != nil {
			return out, fmt.Errorf("issuer script: %w", err)
		}
		if _, err := w.send(ctx, c); err != nil {
			return out, fmt.Errorf("issuer script: %w", err)
		}
		out.Executed++
	}
	if !out.Approved {
		return out, ErrRefused
	}
	return out, nil
}
