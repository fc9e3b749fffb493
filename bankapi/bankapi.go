// Package bankapi has the words of the bank's two doors: the requests and
// answers of its HTTP API, and the messages of the bus between bank and phone
// (bus.go).
//
// Amounts are integers in minor units beside an ISO 4217 currency code. Times
// are RFC 3339 in UTC with milliseconds. Ids are texts as package ident writes
// them. No type here has room for a code on its way out of the bank, for a
// whole PAN, or for a key, but for the few that exist to hand one over:
// APIKey.Secret once at its creation, and personalisation data, encrypted.
package bankapi

import "time"

// Time is an instant in Unix milliseconds; zero is no instant.
type Time int64

const timeLayout = "2006-01-02T15:04:05.000Z"

// String is RFC 3339 in UTC with milliseconds.
func (t Time) String() string { return time.UnixMilli(int64(t)).UTC().Format(timeLayout) }

// MarshalText writes String; no instant is empty.
func (t Time) MarshalText() ([]byte, error) {
	if t == 0 {
		return nil, nil
	}
	return time.UnixMilli(int64(t)).UTC().AppendFormat(nil, timeLayout), nil
}

// UnmarshalText reads RFC 3339.
func (t *Time) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*t = 0
		return nil
	}
	parsed, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return err
	}
	*t = Time(parsed.UnixMilli())
	return nil
}

// List is one page of a list, newest first. Pass NextCursor as cursor to get
// the page after it; it is empty on the last.
type List[T any] struct {
	Data       []T    `json:"data"`
	NextCursor string `json:"next_cursor,omitempty" doc:"pass as cursor to get the next page"`
}

// PaymentStatus is where a payment stands.
type PaymentStatus string

// The life of a payment.
const (
	AwaitingCode PaymentStatus = "awaiting_code"
	Authorized   PaymentStatus = "authorized" // confirmed with capture manual: the money is held
	Succeeded    PaymentStatus = "succeeded"
	Declined     PaymentStatus = "declined"
	Expired      PaymentStatus = "expired"
	Canceled     PaymentStatus = "canceled"
	Refunded     PaymentStatus = "refunded" // the whole amount has gone back
)

// CaptureMode says whether confirming moves the money or only holds it.
type CaptureMode string

// The capture modes.
const (
	CaptureAutomatic CaptureMode = "automatic"
	CaptureManual    CaptureMode = "manual"
)

// Delivery is how far the code has come.
type Delivery string

// The steps of a delivery. OnPhone is a hint that a restart of the bank may
// forget; OnCard rests on the card's receipt.
const (
	DeliverySending Delivery = "sending"
	DeliveryOnPhone Delivery = "on_phone"
	DeliveryOnCard  Delivery = "on_card"
	DeliveryFailed  Delivery = "failed" // the card refused; resend makes a new code
)

// CreatePayment asks the bank to send a code.
type CreatePayment struct {
	Card        string      `json:"card" minLength:"12" maxLength:"64" example:"card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B" doc:"card token, or PAN of 12 to 19 digits"`
	Amount      int64       `json:"amount" minimum:"1" maximum:"999999999999" example:"12800" doc:"in minor units"`
	Currency    string      `json:"currency" pattern:"^[A-Z]{3}$" example:"CNY" doc:"ISO 4217 code"`
	Payee       string      `json:"payee,omitempty" maxLength:"200" doc:"who is paid, if not the merchant itself: a seller on the merchant's platform"`
	Order       string      `json:"order,omitempty" maxLength:"64" example:"A-1001" doc:"the merchant's order number"`
	Description string      `json:"description,omitempty" maxLength:"200" example:"Green tea, 250 g"`
	Capture     CaptureMode `json:"capture,omitempty" enum:"automatic,manual" doc:"manual: hold the money at confirmation and move it with capture"`
	ReturnURL   string      `json:"return_url,omitempty" maxLength:"500" doc:"where the code page leads when the payment has ended; http or https"`
}

// Payment is one online order at the bank.
type Payment struct {
	ID           string        `json:"id" example:"pay_01JD3Z9Q8VXK4M2N7T5R6W8Y0B"`
	Status       PaymentStatus `json:"status" enum:"awaiting_code,authorized,succeeded,declined,expired,canceled,refunded"`
	Amount       int64         `json:"amount" example:"12800" doc:"in minor units"`
	Currency     string        `json:"currency" example:"CNY"`
	Captured     int64         `json:"captured" doc:"moved to the merchant so far, in minor units"`
	RefundedSum  int64         `json:"refunded" doc:"moved back so far, in minor units"`
	Merchant     string        `json:"merchant"`
	Payee        string        `json:"payee"`
	Order        string        `json:"order,omitempty"`
	Description  string        `json:"description,omitempty"`
	Card         string        `json:"card" doc:"card token"`
	CardNumber   string        `json:"card_number" example:"621700******0001" doc:"masked"`
	Capture      CaptureMode   `json:"capture"`
	Delivery     Delivery      `json:"delivery"`
	AttemptsLeft int           `json:"attempts_left" doc:"wrong codes this payment still bears"`
	CodeURL      string        `json:"code_url" doc:"the bank's code page for the payer"`
	ReturnURL    string        `json:"return_url,omitempty"`
	Reason       Reason        `json:"reason,omitempty" doc:"why it was declined"`
	CreatedAt    Time          `json:"created_at"`
	ExpiresAt    Time          `json:"expires_at"`
	EndedAt      Time          `json:"ended_at,omitzero"`
}

// Confirm hands in the code the payer typed.
type Confirm struct {
	Code string `json:"code" minLength:"6" maxLength:"24" doc:"digits; spaces and hyphens between them are ignored"`
}

// Capture moves held money: all of it if no amount is given. What is left of the
// hold is released.
type Capture struct {
	Amount int64 `json:"amount,omitempty" minimum:"1" maximum:"999999999999" doc:"in minor units; without it, all that is held"`
}

// RefundPayment moves money back: all that is left if no amount is given.
type RefundPayment struct {
	Amount int64 `json:"amount,omitempty" minimum:"1" maximum:"999999999999" doc:"in minor units; without it, all that was captured and not yet refunded"`
}

// CreateMerchant registers who may create payments.
type CreateMerchant struct {
	Name     string `json:"name" minLength:"1" maxLength:"100" doc:"shown to payers on the card and the code page"`
	Currency string `json:"currency" pattern:"^[A-Z]{3}$" doc:"of the account opened for it"`
}

// Merchant is a party that creates payments.
type Merchant struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Account   string  `json:"account"`
	Key       *APIKey `json:"key,omitempty" doc:"only in the answer that creates it"`
	CreatedAt Time    `json:"created_at"`
}

// Role is what an API key may do.
type Role string

// The roles.
const (
	RoleIssuer   Role = "issuer"
	RoleMerchant Role = "merchant"
)

// APIKey names a key. Secret is there once, in the answer that creates it.
type APIKey struct {
	ID        string `json:"id" doc:"first part of the key, safe to log"`
	Role      Role   `json:"role" enum:"issuer,merchant"`
	Merchant  string `json:"merchant,omitempty"`
	Secret    string `json:"secret,omitempty" doc:"send as Authorization: Bearer; shown once"`
	CreatedAt Time   `json:"created_at"`
	RevokedAt Time   `json:"revoked_at,omitzero"`
}

// AccountKind says whose money an account holds.
type AccountKind string

// The kinds of account. Customers' and merchants' accounts cannot go below
// zero; the bank's own, through which money enters and leaves, can.
const (
	AccountCustomer AccountKind = "customer"
	AccountMerchant AccountKind = "merchant"
	AccountInternal AccountKind = "internal"
	// The bank opens these itself, one of each for a currency: what it owes the
	// holders of purses, and what it owes merchants for batches not yet settled.
	AccountFloat      AccountKind = "float"
	AccountSettlement AccountKind = "settlement"
	// And what merchants owe it for taps in dispute that they were paid for, and it
	// has paid itself for those it accepted: below zero, which this account can be.
	AccountDisputes AccountKind = "disputes"
)

// CreateAccount opens an account.
type CreateAccount struct {
	Name     string      `json:"name" minLength:"1" maxLength:"100"`
	Kind     AccountKind `json:"kind" enum:"customer,internal"`
	Currency string      `json:"currency" pattern:"^[A-Z]{3}$"`
}

// Account is one account of the ledger. Balance is credits minus debits:
// positive is money the bank owes its holder.
type Account struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Kind      AccountKind `json:"kind"`
	Currency  string      `json:"currency"`
	Balance   int64       `json:"balance" doc:"minor units"`
	Held      int64       `json:"held" doc:"minor units authorised and not yet captured"`
	Available int64       `json:"available" doc:"balance less held"`
	CreatedAt Time        `json:"created_at"`
}

// CreateTransfer moves money between two accounts of one currency.
type CreateTransfer struct {
	Debit    string `json:"debit" doc:"account the money leaves"`
	Credit   string `json:"credit" doc:"account the money reaches"`
	Amount   int64  `json:"amount" minimum:"1" maximum:"999999999999"`
	Currency string `json:"currency" pattern:"^[A-Z]{3}$"`
	Note     string `json:"note,omitempty" maxLength:"100"`
}

// TransferKind says why money moved.
type TransferKind string

// The kinds of transfer.
const (
	TransferPlain   TransferKind = "transfer"
	TransferPayment TransferKind = "payment"
	TransferRefund  TransferKind = "refund"

	TransferLoad       TransferKind = "load"        // account to float
	TransferLoadReturn TransferKind = "load_return" // the purse never took it
	TransferTap        TransferKind = "tap"         // float or account to settlement
	TransferReversal   TransferKind = "reversal"    // settlement back to account or float
	TransferSettlement TransferKind = "settlement"  // settlement to merchant
	TransferDispute    TransferKind = "dispute"     // disputes to float or merchant, or merchant to disputes
)

// Transfer is one balanced move in the ledger. It is never changed.
type Transfer struct {
	ID        string       `json:"id"`
	Kind      TransferKind `json:"kind"`
	Debit     string       `json:"debit"`
	Credit    string       `json:"credit"`
	Amount    int64        `json:"amount"`
	Currency  string       `json:"currency"`
	Payment   string       `json:"payment,omitempty"`
	Note      string       `json:"note,omitempty"`
	CreatedAt Time         `json:"created_at"`
}

// IssueCard makes a card for an account.
type IssueCard struct {
	Account  string `json:"account"`
	PAN      string `json:"pan" minLength:"12" maxLength:"19" doc:"stored encrypted, never shown whole again"`
	Holder   string `json:"holder" minLength:"1" maxLength:"60" doc:"as it stands on the card"`
	Profile  string `json:"profile,omitempty" enum:"card-sealed,phone-sealed,plain" doc:"default card-sealed"`
	Language string `json:"language,omitempty" enum:"en,zh" doc:"of the prompt; default en"`
}

// CardStatus is where a card stands.
type CardStatus string

// The states of a card.
const (
	CardActive  CardStatus = "active"
	CardBlocked CardStatus = "blocked"
)

// Card is a display payment card.
type Card struct {
	ID          string     `json:"id"`
	Account     string     `json:"account"`
	Number      string     `json:"number" example:"621700******0001" doc:"masked PAN"`
	Holder      string     `json:"holder"`
	Profile     string     `json:"profile"`
	Language    string     `json:"language"`
	Status      CardStatus `json:"status"`
	Binding     string     `json:"binding,omitempty" doc:"the active binding"`
	Phone       string     `json:"phone,omitempty" doc:"the bound phone"`
	LockedUntil Time       `json:"locked_until,omitzero" doc:"too many wrong codes"`
	CreatedAt   Time       `json:"created_at"`
}

// Personalize asks for the data that goes into a fresh card, encrypted to the
// station that writes it.
type Personalize struct {
	Recipient string `json:"recipient" minLength:"10" maxLength:"100" doc:"age recipient (age1…), from 'sotto card new'"`
}

// Personalization is what a personalising station writes into a card.
type Personalization struct {
	Card string `json:"card"`
	Data string `json:"data" doc:"age ciphertext, ASCII-armored"`
}

// InvitePhone makes a ticket with which one phone can enrol.
type InvitePhone struct {
	Name string `json:"name" minLength:"1" maxLength:"64" doc:"shown on the card when a binding is confirmed"`
}

// PhoneStatus is where a phone stands.
type PhoneStatus string

// The states of a phone.
const (
	PhoneInvited PhoneStatus = "invited"
	PhoneActive  PhoneStatus = "active"
	PhoneRevoked PhoneStatus = "revoked"
)

// Phone is a mobile payment terminal.
type Phone struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Status    PhoneStatus `json:"status"`
	Ticket    string      `json:"ticket,omitempty" doc:"for 'sotto phone enrol'; shown once, works once"`
	CreatedAt Time        `json:"created_at"`
}

// EnrolPhone redeems a ticket.
type EnrolPhone struct {
	Ticket    string `json:"ticket" maxLength:"64" doc:"the secret part of the ticket"`
	PublicKey string `json:"public_key" maxLength:"60" doc:"NATS user key (nkey) of the phone's Ed25519 key"`
	BoxKey    string `json:"box_key" maxLength:"64" doc:"base64 of the phone's X25519 public key, to which its phone key is sealed (RFC 9180)"`
	KeySource string `json:"key_source" maxLength:"64" doc:"base64 of the SHA-256 digest of its key source"`
}

// Enrolment is what a phone needs from then on.
type Enrolment struct {
	Phone    string `json:"phone"`
	Bus      string `json:"bus" doc:"URL of the bus"`
	CA       string `json:"ca" doc:"PEM of the bus's certificate authority"`
	PhoneKey string `json:"phone_key" doc:"base64, sealed to box_key (HPKE base mode: DHKEM X25519, HKDF-SHA256, AES-256-GCM)"`
}

// Bind asks to bind a card to a phone.
type Bind struct {
	Card  string `json:"card"`
	Phone string `json:"phone"`
}

// BindingStatus is where a binding stands.
type BindingStatus string

// The life of a binding. A confirmed one is already used for payments, and the
// first payment message the card accepts under it makes it active.
const (
	BindingPending   BindingStatus = "pending"   // the code is on its way or on the card
	BindingConfirmed BindingStatus = "confirmed" // the payer has typed the right code
	BindingActive    BindingStatus = "active"    // the card has used it
	BindingRevoked   BindingStatus = "revoked"
	BindingFailed    BindingStatus = "failed" // expired, or too many wrong codes
)

// Binding is the relation of one card and one phone (A10).
type Binding struct {
	ID           string        `json:"id"`
	Card         string        `json:"card"`
	Phone        string        `json:"phone"`
	Status       BindingStatus `json:"status"`
	Delivery     Delivery      `json:"delivery"`
	AttemptsLeft int           `json:"attempts_left"`
	CreatedAt    Time          `json:"created_at"`
	ExpiresAt    Time          `json:"expires_at"`
}

// Event says that something happened. It carries ids and states; ask for the
// rest.
type Event struct {
	ID       string `json:"id" doc:"sequence of the audit link, a full stop, place in it"`
	Type     string `json:"type" example:"payment.succeeded" doc:"/docs lists them; more may come"`
	At       Time   `json:"at"`
	Merchant string `json:"merchant,omitempty"`
	Object   string `json:"object" doc:"id of what it happened to"`
	Amount   int64  `json:"amount,omitempty"`
	Currency string `json:"currency,omitempty"`
}

// CreateWebhook registers where events are sent.
type CreateWebhook struct {
	URL string `json:"url" maxLength:"500" doc:"https, or http on loopback"`
}

// Webhook is one endpoint. Secret signs deliveries (Standard Webhooks) and is
// there once.
type Webhook struct {
	ID        string `json:"id"`
	Merchant  string `json:"merchant"`
	URL       string `json:"url"`
	Secret    string `json:"secret,omitempty" doc:"whsec_…; shown once"`
	Cursor    string `json:"cursor" doc:"id of the last event delivered"`
	Failing   bool   `json:"failing" doc:"the last delivery failed; retries go on"`
	CreatedAt Time   `json:"created_at"`
	DeletedAt Time   `json:"deleted_at,omitzero"`
}
