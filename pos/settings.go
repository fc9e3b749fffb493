package pos

import (
	"errors"
	"fmt"
	"time"

	"sotto/bankapi"
	"sotto/emv"
	"sotto/emv/oda"
	"sotto/money"
)

// Settings are what a terminal is told about itself. Terminal, Currency, Country
// and Applications must be there.
type Settings struct {
	Terminal string // identification (9F1C): one to eight letters and digits
	Merchant string // identifier (9F16), up to 15 characters
	Name     string // of the merchant (9F4E), for receipts: up to 40 printable ASCII characters
	Category int    // merchant category code (9F15)
	Country  emv.Numeric
	Currency money.Currency

	Applications []Application
	Authorities  oda.Authorities // whose chips are trusted

	// WithoutSPI makes it a reader that does not know SEND POI INFORMATION, as
	// most are: chips then hear the amount only when they are asked to pay.
	WithoutSPI bool
	// Place is the kind of place, for chips that sort their applications by it
	// (EMV Contactless Book B, table A-2): 1 is a transit gate. 0 says nothing.
	Place uint16
	// Signature says that somebody at the till looks at signatures.
	Signature bool

	// Action codes of a contact terminal (EMV 4.4 Book 3, 10.7). Of Online and
	// Default, 0 is everything that this terminal looks at.
	Denial, Online, Default emv.TVR
	// FloorLimit over contacts, in minor units: above it the bank decides. 0 is
	// no limit.
	FloorLimit int64

	// FirstBatch is the number with which batches begin, or go on where the journal
	// is behind it: a till that takes the place of another with its identification
	// begins behind that one's batches. 0 is 1.
	FirstBatch int

	ChipTimeMax time.Duration // for one chip, without the bank; 0 is 10 s
	BankTimeMax time.Duration // for one answer of the bank; 0 is 20 s
}

// Application is one that the terminal takes. All amounts are in minor units,
// and 0 is no limit.
type Application struct {
	AID    []byte  // whole, or its beginning: five bytes at least
	Kernel byte    // 7 is qPBOC, 3 is its twin; 0 is 7
	TTQ    emv.TTQ // 0 is what the terminal can do
	// TapMax is the contactless transaction limit: from this amount on the
	// application is not offered.
	TapMax int64
	// FloorLimit is the contactless floor limit: above it a cryptogram for the
	// bank is asked for.
	FloorLimit int64
	// HolderMin is the CVM required limit: from this amount on the holder must
	// be verified.
	HolderMin int64
}

// Kernels that this terminal has. They agree on all that it does.
const (
	kernelVisa     byte = 3
	kernelUnionPay byte = 7
)

// Times that count when the settings say nothing.
const (
	chipTimeMax = 10 * time.Second
	bankTimeMax = 20 * time.Second
)

// looksAt are the findings of a contact terminal with which nothing is approved
// offline.
const looksAt = emv.TVRNoODA | emv.TVRDataMissing | emv.TVRDDAFailed | emv.TVRCDAFailed | emv.TVRExpired |
	emv.TVRNotYetEffective | emv.TVRServiceNotAllowed | emv.TVRHolderNotVerified | emv.TVRFloorLimit

// OurAID is how the AIDs of this project's own applets begin: a proprietary
// application identifier of category F (ISO/IEC 7816-5).
var OurAID = []byte{0xF0, 's', 'o', 't', 't', 'o'}

func (s Settings) withDefaults() (Settings, error) {
	if s.ChipTimeMax == 0 {
		s.ChipTimeMax = chipTimeMax
	}
	if s.BankTimeMax == 0 {
		s.BankTimeMax = bankTimeMax
	}
	if s.Online == 0 {
		s.Online = looksAt
	}
	if s.Default == 0 {
		s.Default = looksAt
	}
	s.Applications = append([]Application(nil), s.Applications...)
	for i := range s.Applications {
		if s.Applications[i].Kernel == 0 {
			s.Applications[i].Kernel = kernelUnionPay
		}
	}
	return s, s.check()
}

func (s Settings) check() error {
	country, err := s.Country.Number()
	switch {
	case !alphanumeric(s.Terminal, 1, 8):
		return errors.New("pos: the terminal's identification is one to eight letters and digits")
	case !printable(s.Merchant, 15) || !printable(s.Name, 40):
		return errors.New("pos: the merchant's identifier has up to 15, his name up to 40 printable ASCII characters")
	case s.Category < 0 || s.Category > 9999:
		return errors.New("pos: a merchant category code has four digits")
	case err != nil || country == 0:
		return errors.New("pos: the country is a number of ISO 3166")
	case !s.Currency.Known():
		return errors.New("pos: the currency is a code of ISO 4217")
	case s.FirstBatch < 0 || s.FirstBatch > batchMax:
		return errors.New("pos: a batch has up to six digits")
	case len(s.Applications) == 0:
		return errors.New("pos: a terminal without applications takes no payment")
	}
	for i, a := range s.Applications {
		if err := a.check(); err != nil {
			return fmt.Errorf("application %d: %w", i+1, err)
		}
	}
	return nil
}

func (a Application) check() error {
	switch {
	case len(a.AID) < aidMin || len(a.AID) > aidMax:
		return errors.New("pos: an application identifier has 5 to 16 bytes")
	case a.Kernel != kernelVisa && a.Kernel != kernelUnionPay:
		return errors.New("pos: this terminal has the kernels 3 and 7")
	case a.TapMax < 0 || a.FloorLimit < 0 || a.HolderMin < 0:
		return errors.New("pos: a limit is below zero")
	}
	return nil
}

// Lengths of an application identifier (ISO/IEC 7816-5).
const (
	aidMin = 5
	aidMax = 16
)

func alphanumeric(s string, least, most int) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(s) >= least && len(s) <= most
}

func printable(s string, most int) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= most
}

// Sale is one payment at the till.
type Sale struct {
	// Order is the cash register's own number, up to 32 printable ASCII
	// characters, or none. An order that was paid is not debited again until its
	// batch is settled: many cash registers count anew each day, and an order that
	// was remembered longer would be given away for the payment of another.
	Order  string
	Amount money.Amount
}

func (s Settings) checkSale(sale Sale) error {
	switch {
	case sale.Amount.Currency != s.Currency:
		return errors.New("pos: the sale is not in the terminal's currency")
	case !printable(sale.Order, 32):
		return errors.New("pos: an order has up to 32 printable ASCII characters")
	}
	if err := sale.Amount.Check(); err != nil {
		return fmt.Errorf("pos: the sale's amount: %w", err)
	}
	return nil
}

// batchMax is the last number of a batch; behind it they begin anew.
const batchMax = 999_999

// tapsMax is how many taps go into one upload.
const tapsMax = bankapi.TapsMax
