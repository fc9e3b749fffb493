package bank

import "sotto/bankapi"

// The rows. They are plain values: a copy is a snapshot. Times are Unix
// milliseconds, amounts minor units, ids texts of package ident. Fields whose
// names end in Sealed or MAC hold ciphertext or digests, never what they guard.

// Merchant may create payments.
type Merchant struct {
	ID, Name  string
	Account   string
	Webhooks  int64 // not deleted
	CreatedAt int64
}

// APIKey opens the HTTP API. Hash is an HMAC of the whole key.
type APIKey struct {
	ID        string
	Role      string
	Merchant  string
	Hash      []byte
	CreatedAt int64
	RevokedAt int64
}

// Account is one account of the ledger. What its holder owns is Credits less
// Debits; Held is authorised and not yet captured.
type Account struct {
	ID, Name              string
	Kind                  string
	Currency              string
	Debits, Credits, Held int64
	CreatedAt             int64
}

// Card is a display payment card and all that the bank counts for it.
type Card struct {
	ID, Account  string
	Holder       string
	Profile      string
	Language     string
	Status       string
	PANSealed    []byte
	PANMAC       []byte
	Number       string // masked
	Binding      string // confirmed or active
	BindingAfter uint64 // Counter when Binding was confirmed; 0: a later message was accepted, and it is active
	Phone        string // of Binding
	Counter      uint64 // last one sealed
	Failures     int64  // wrong codes in a row; a new code does not reset it
	LockedUntil  int64
	Budget       int64 // issue budget, see pacing.go
	BudgetAt     int64
	CreatedAt    int64
}

// Phone is a mobile payment terminal.
type Phone struct {
	ID, Name  string
	Status    string
	PublicKey string // nkey
	BoxKey    []byte // to which its phone key is sealed
	KeySource []byte // digest
	TicketMAC []byte
	CreatedAt int64
}

// Binding is the relation of one card and one phone, or the attempt at one.
type Binding struct {
	ID, Card, Phone string
	Status          string
	Delivery        string
	Dispatch        string
	CodeMAC         []byte
	Attempts        int64
	CreatedAt       int64
	ExpiresAt       int64
}

// Payment is one online order.
type Payment struct {
	ID              string
	Status          string
	Merchant        string
	MerchantAccount string
	Card            string
	CardNumber      string
	Payer           string // account
	Amount          int64
	Captured        int64
	Refunded        int64
	Currency        string
	Payee           string
	Order           string
	Description     string
	Capture         string
	ReturnURL       string
	Delivery        string
	Dispatch        string // of the code that is valid now
	CodeMAC         []byte
	Attempts        int64 // wrong codes so far
	Reason          string
	CreatedAt       int64
	ExpiresAt       int64
	EndedAt         int64
}

// Transfer is one balanced move, written once.
type Transfer struct {
	ID, Kind      string
	Debit, Credit string
	Amount        int64
	Currency      string
	Payment       string
	Note          string
	CreatedAt     int64
}

// Dispatch is a message that waits for its phone to pass it on. It leaves the
// table when the card has answered, or when it can do no good any more.
type Dispatch struct {
	ID, Phone, Card string
	Subject         string // payment or binding
	Kind            int64
	Profile         int64
	Counter         uint64
	Body            []byte
	ExpiresAt       int64
}

// Pace is what is counted for one merchant at one card: under card|merchant the
// issue budget (pacing.go), under card|merchant|wrong the wrong codes (lock.go).
type Pace struct {
	ID       string
	Budget   int64 // thousandths of a code; or wrong codes in a row
	BudgetAt int64 // when it was that; or until when no code is taken
}

// Applet is one card application in a SIM, and all that the bank counts for it.
type Applet struct {
	ID, Kind, Account string
	Currency          string
	AID               string // hex
	Label             string
	Status            string
	PANSealed         []byte
	PANMAC            []byte // of PAN and sequence number
	Number            string // masked
	Sequence          int64
	Priority          int64
	Expires           int64 // last month, as 203112
	BalanceMax        int64 // of a purse
	TapMax            int64
	Float             string // account that holds what purses of this currency hold
	Settlement        string // account of what is owed to merchants
	Balance           int64  // of a purse, as far as the bank has heard
	ATC               int64  // highest seen
	Load              string // in flight
	Trail             []byte // what a purse has said of its balance, see trail.go
	CreatedAt         int64
}

// Tap is one cryptogram that the bank has acted upon. Its id is the applet's,
// a full stop and the transaction counter, so that a counter counts once; a
// second content under one counter, which is disputed, has a third part.
type Tap struct {
	ID, Applet string
	Number     string // masked
	ATC        int64
	Merchant   string
	Batch      string
	Reference  string
	Amount     int64
	Currency   string
	Status     string
	Reason     string
	AC         []byte
	Told       int64 // what the purse said that it held afterwards
	Owed       int64 // by the merchant: what he was paid for a debit that was taken back
	CreatedAt  int64
}

// Load is money on its way into a purse.
type Load struct {
	ID, Applet, Account string
	Amount              int64
	Currency            string
	Status              string
	ATC                 int64 // of its ARQC
	Scripts             int64 // executed before it, as the ARQC says
	IssuerAuth          []byte
	Script              []byte
	CreatedAt           int64
	EndedAt             int64
}

// Batch is what a terminal has uploaded and not yet, or already, settled. Its
// id is merchant|terminal|number.
type Batch struct {
	ID, Merchant, Terminal string
	Number                 int64
	Currency               string
	Count, Amount          int64
	Disputed               int64
	Transfer               string // that settled it
	CreatedAt              int64
	SettledAt              int64
}

// Book names an account of the bank's own by its purpose, "float|CNY".
type Book struct{ ID, Account string }

// Idempotency is an answer kept to be replayed byte for byte.
type Idempotency struct {
	ID        string // scope|key
	Request   []byte // digest
	Reason    string
	Body      []byte
	CreatedAt int64
}

// Webhook is one endpoint that events are sent to.
type Webhook struct {
	ID, Merchant string
	URL          string
	SecretSealed []byte
	Cursor       string // id of the last event delivered
	Failing      bool
	CreatedAt    int64
	DeletedAt    int64
}

// Link is one link of the audit chain: everything one batch did. It is the
// event log too.
type Link struct {
	Seq  int64
	At   int64
	Prev []byte
	Body []byte // JSON lines, see audit.go
	MAC  []byte
}

func accountView(a *Account) bankapi.Account {
	balance := a.Credits - a.Debits
	return bankapi.Account{
		ID: a.ID, Name: a.Name, Kind: bankapi.AccountKind(a.Kind), Currency: a.Currency,
		Balance: balance, Held: a.Held, Available: balance - a.Held, CreatedAt: bankapi.Time(a.CreatedAt),
	}
}
