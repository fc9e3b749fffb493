package bankapi

// The words of the tap: card applications in a SIM, what terminals bring from
// them, and loads.
//
// ChipData is the hex of BER-TLV objects as in field 55 of an ISO 8583 message;
// chipdata.go has its reader and writer.

// AppletKind says where an applet's money is.
type AppletKind string

// The kinds of applet.
const (
	AppletPurse   AppletKind = "purse"   // on the SIM: debited offline, loaded from an account
	AppletAccount AppletKind = "account" // at the bank, which decides online
)

// IssueApplet makes a card application for an account.
type IssueApplet struct {
	Kind     AppletKind `json:"kind" enum:"purse,account"`
	Account  string     `json:"account" doc:"whose money it is: debited online, or by loads"`
	PAN      string     `json:"pan" minLength:"12" maxLength:"19" doc:"stored encrypted, never shown whole again"`
	Sequence int        `json:"sequence,omitempty" minimum:"0" maximum:"99" doc:"PAN sequence number (5F34)"`
	AID      string     `json:"aid" pattern:"^([0-9A-Fa-f]{2}){5,16}$" doc:"application identifier, hex"`
	Label    string     `json:"label" minLength:"1" maxLength:"16" doc:"application label (50), shown to the holder"`
	Priority int        `json:"priority,omitempty" minimum:"0" maximum:"15" doc:"in the fixed order of a SIM; 1 is first, 0 none"`
	Expires  string     `json:"expires" pattern:"^[0-9]{4}-[0-9]{2}$" doc:"last month, as 2031-12"`
	// Of a purse, in minor units.
	BalanceMax int64 `json:"balance_max,omitempty" maximum:"999999999999" doc:"most a purse may hold"`
	TapMax     int64 `json:"tap_max,omitempty" maximum:"999999999999" doc:"most one offline tap may debit; default balance_max"`
}

// AppletStatus is where an applet stands at the bank.
type AppletStatus string

// The states of an applet. A blocked one is not loaded and not authorised
// online; offline debits it has made are still paid to the merchant.
const (
	AppletActive  AppletStatus = "active"
	AppletBlocked AppletStatus = "blocked"
)

// Applet is one card application as the bank knows it.
type Applet struct {
	ID       string       `json:"id"`
	Kind     AppletKind   `json:"kind"`
	Account  string       `json:"account"`
	Number   string       `json:"number" example:"621700******0001" doc:"masked PAN"`
	Sequence int          `json:"sequence"`
	AID      string       `json:"aid"`
	Label    string       `json:"label"`
	Priority int          `json:"priority"`
	Currency string       `json:"currency"`
	Expires  string       `json:"expires"`
	Status   AppletStatus `json:"status"`
	// Balance is what a purse held after all taps and loads the bank has heard
	// of; what was tapped and not yet uploaded is still in it.
	Balance    int64  `json:"balance" doc:"of a purse: minor units, before taps that are still on their way"`
	BalanceMax int64  `json:"balance_max,omitempty"`
	TapMax     int64  `json:"tap_max,omitempty"`
	ATC        int    `json:"atc" doc:"highest application transaction counter seen"`
	Load       string `json:"load,omitempty" doc:"the load in flight"`
	CreatedAt  Time   `json:"created_at"`
}

// AppletPersonalization is what a station writes into a SIM as a new applet.
type AppletPersonalization struct {
	Applet string `json:"applet"`
	Data   string `json:"data" doc:"age ciphertext, ASCII-armored, of the applet's data groupings (EMV CPS)"`
}

// CAKey is a public key with which terminals check chips (EMV Book 2).
type CAKey struct {
	RID      string `json:"rid" doc:"hex, 5 bytes"`
	Index    int    `json:"index" doc:"certification authority public key index (8F)"`
	Modulus  string `json:"modulus" doc:"hex"`
	Exponent int    `json:"exponent"`
	Expires  string `json:"expires" doc:"last month, as 2040-12"`
}

// Tap is one offline debit as a terminal brings it.
type Tap struct {
	Reference string `json:"reference" minLength:"1" maxLength:"32" doc:"the terminal's own, on the receipt"`
	Amount    int64  `json:"amount" minimum:"1" maximum:"999999999999" doc:"minor units"`
	Currency  string `json:"currency" pattern:"^[A-Z]{3}$"`
	ChipData  string `json:"chip_data" maxLength:"510" doc:"hex of the BER-TLV of field 55, with 5A"`
}

// TapsMax is the most taps of one upload.
const TapsMax = 500

// PostTaps uploads a part of a terminal's batch.
type PostTaps struct {
	Terminal string `json:"terminal" pattern:"^[A-Za-z0-9]{1,8}$" doc:"terminal identification (9F1C)"`
	Batch    int    `json:"batch" minimum:"1" maximum:"999999" doc:"the terminal's batch number"`
	Taps     []Tap  `json:"taps" minItems:"1" maxItems:"500"`
}

// TapStatus is what became of a tap.
type TapStatus string

// The states of a tap.
const (
	TapPosted   TapStatus = "posted"   // an offline debit, paid
	TapApproved TapStatus = "approved" // online
	TapDeclined TapStatus = "declined" // online
	TapReversed TapStatus = "reversed" // online, taken back
	TapDisputed TapStatus = "disputed" // not paid: its counter was used before, or the purse cannot have had it or has taken it back
	TapAccepted TapStatus = "accepted" // disputed, and then paid by the bank
	TapRejected TapStatus = "rejected" // disputed, and then not paid
	TapRefused  TapStatus = "refused"  // not paid and not kept: not genuine
)

// TapResult is the bank's word on one tap, in the order of the upload.
type TapResult struct {
	Reference string    `json:"reference"`
	Tap       string    `json:"tap,omitempty" doc:"its id"`
	Status    TapStatus `json:"status"`
	Reason    Reason    `json:"reason,omitempty"`
	Already   bool      `json:"already,omitempty" doc:"it was posted by an earlier upload"`
}

// TapsPosted answers an upload.
type TapsPosted struct {
	Results []TapResult `json:"results"`
	Batch   Batch       `json:"batch"`
}

// Batch is what the bank has of a terminal's batch.
type Batch struct {
	ID       string `json:"id"`
	Merchant string `json:"merchant"`
	Terminal string `json:"terminal"`
	Number   int    `json:"number"`
	Currency string `json:"currency"`
	Count    int64  `json:"count" doc:"taps posted or approved"`
	Amount   int64  `json:"amount" doc:"their sum, minor units"`
	Disputed int64  `json:"disputed" doc:"taps in dispute, not in the sum"`
	Transfer string `json:"transfer,omitempty" doc:"that settled it"`
	Settled  bool   `json:"settled"`
}

// SettleBatch closes a batch: the terminal's totals must be the bank's.
type SettleBatch struct {
	Terminal string `json:"terminal" pattern:"^[A-Za-z0-9]{1,8}$"`
	Batch    int    `json:"batch" minimum:"1" maximum:"999999"`
	Count    int64  `json:"count" minimum:"0"`
	Amount   int64  `json:"amount" minimum:"0" doc:"minor units"`
	Currency string `json:"currency" pattern:"^[A-Z]{3}$"`
}

// Authorize asks the bank to decide on a tap online. Send it again with the
// same Idempotency-Key until an answer comes, or reverse it.
type Authorize struct {
	Terminal  string `json:"terminal" pattern:"^[A-Za-z0-9]{1,8}$"`
	Batch     int    `json:"batch" minimum:"1" maximum:"999999"`
	Reference string `json:"reference" minLength:"1" maxLength:"32"`
	Amount    int64  `json:"amount" minimum:"1" maximum:"999999999999" doc:"minor units"`
	Currency  string `json:"currency" pattern:"^[A-Z]{3}$"`
	ChipData  string `json:"chip_data" maxLength:"510" doc:"hex of the BER-TLV of field 55, with 5A and the ARQC"`
}

// Authorization is the bank's decision. A decline is one too.
type Authorization struct {
	Tap          string    `json:"tap"`
	Status       TapStatus `json:"status"`
	Reason       Reason    `json:"reason,omitempty"`
	ResponseCode string    `json:"response_code" doc:"authorisation response code (8A), two characters"`
	IssuerAuth   string    `json:"issuer_auth,omitempty" doc:"issuer authentication data (91), hex"`
	Script       string    `json:"script,omitempty" doc:"issuer script template (72), hex"`
}

// Reverse takes an authorisation back that the terminal did not hear of, or did
// not complete. It may come before the authorisation itself, which is then
// declined.
type Reverse struct {
	Terminal string `json:"terminal" pattern:"^[A-Za-z0-9]{1,8}$"`
	Batch    int    `json:"batch" minimum:"1" maximum:"999999"`
	ChipData string `json:"chip_data" maxLength:"510" doc:"as in the authorisation"`
}

// Inquire asks what is available in the account of an applet that is at a
// reader. Its chip data has an ARQC of no amount, with transaction type 31.
type Inquire struct {
	ChipData string `json:"chip_data" maxLength:"510" doc:"hex of the BER-TLV of field 55, with 5A and the ARQC"`
}

// Inquiry tells what is available, and how the chip is to hear of it.
type Inquiry struct {
	Applet       string `json:"applet"`
	Available    int64  `json:"available" doc:"minor units; of an applet that is blocked or expired, 0"`
	Currency     string `json:"currency"`
	ResponseCode string `json:"response_code" doc:"authorisation response code (8A), two characters"`
	IssuerAuth   string `json:"issuer_auth" doc:"issuer authentication data (91), hex"`
	Script       string `json:"script" doc:"issuer script template (72), hex: sets the last known amount (9F5D)"`
}

// TapRecord is one tap as the bank keeps it.
type TapRecord struct {
	ID        string    `json:"id"`
	Applet    string    `json:"applet"`
	Number    string    `json:"number" doc:"masked PAN"`
	ATC       int       `json:"atc"`
	Merchant  string    `json:"merchant"`
	Terminal  string    `json:"terminal"`
	Batch     int       `json:"batch"`
	Reference string    `json:"reference"`
	Amount    int64     `json:"amount"`
	Currency  string    `json:"currency"`
	Status    TapStatus `json:"status"`
	Reason    Reason    `json:"reason,omitempty"`
	Told      int64     `json:"told,omitempty" doc:"what the purse said that it held afterwards"`
	Owed      int64     `json:"owed,omitempty" doc:"in dispute after the merchant was paid: what he owes"`
	CreatedAt Time      `json:"created_at"`
}

// Outcome is how the issuer ends a dispute.
type Outcome string

// The outcomes of a dispute.
const (
	Accept Outcome = "accept" // the merchant has the money, at the bank's expense
	Reject Outcome = "reject" // he has not, and gives back what he was paid
)

// ResolveTap ends a dispute.
type ResolveTap struct {
	Outcome Outcome `json:"outcome" enum:"accept,reject"`
}

// CreateLoad moves money from an account into a purse that is at a reader. Its
// chip data has an ARQC for the amount, with transaction type 63.
type CreateLoad struct {
	Account  string `json:"account,omitempty" doc:"debited; default the applet's own"`
	Amount   int64  `json:"amount" minimum:"1" maximum:"999999999999" doc:"minor units"`
	Currency string `json:"currency" pattern:"^[A-Z]{3}$"`
	ChipData string `json:"chip_data" maxLength:"510" doc:"hex of the BER-TLV of field 55, with 5A and the ARQC"`
}

// LoadStatus is where a load stands.
type LoadStatus string

// The life of a load. The money is in flight until the purse itself has said,
// in a later cryptogram, whether it took it.
const (
	LoadInFlight  LoadStatus = "in_flight"
	LoadCompleted LoadStatus = "completed"
	LoadReturned  LoadStatus = "returned"
)

// Load is money on its way into a purse, with what the chip is to be told.
type Load struct {
	ID           string     `json:"id"`
	Applet       string     `json:"applet"`
	Account      string     `json:"account"`
	Amount       int64      `json:"amount"`
	Currency     string     `json:"currency"`
	Status       LoadStatus `json:"status"`
	ATC          int        `json:"atc" doc:"of the ARQC"`
	ResponseCode string     `json:"response_code" doc:"authorisation response code (8A)"`
	IssuerAuth   string     `json:"issuer_auth,omitempty" doc:"issuer authentication data (91), hex"`
	Script       string     `json:"script,omitempty" doc:"issuer script template (72), hex"`
	CreatedAt    Time       `json:"created_at"`
}

// ResolveLoad brings a later cryptogram of the purse, of any type: it says
// whether the script was executed.
type ResolveLoad struct {
	ChipData string `json:"chip_data" maxLength:"510"`
}
