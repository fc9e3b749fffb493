package bankapi

// Reason is the stable name of why the bank said no. Its problem type is
// "urn:sotto:problem:" and the reason.
type Reason string

// The reasons, grouped by HTTP status.
const (
	// 400
	Malformed Reason = "malformed" // not readable as a request at all

	// 401, 403
	Unauthenticated Reason = "unauthenticated"
	Forbidden       Reason = "forbidden"

	// 404
	NotFound Reason = "not-found"

	// 405
	MethodNotAllowed Reason = "method-not-allowed"

	// 402: declines
	WrongCode         Reason = "wrong-code"
	TooManyAttempts   Reason = "too-many-attempts"
	InsufficientFunds Reason = "insufficient-funds"
	CodeLocked        Reason = "code-locked" // too many wrong codes on this card, lately

	// 409: not in this state
	WrongState       Reason = "wrong-state"
	PaymentExpired   Reason = "expired"
	CardBlockedNow   Reason = "card-blocked"
	CardUnbound      Reason = "card-unbound"
	PhoneUnavailable Reason = "phone-unavailable"
	Duplicate        Reason = "duplicate"
	IdempotencyReuse Reason = "idempotency-key-reused"
	AppletBlockedNow Reason = "applet-blocked"
	LoadPending      Reason = "load-pending"  // the purse has not yet said whether it took the load before
	TotalsDiffer     Reason = "totals-differ" // the terminal's totals are not the bank's
	TooMany          Reason = "too-many"      // of a kind that there may be few of
	Torn             Reason = "torn"          // the purse has taken the debit back, as its next transaction says

	// 413, 415
	TooLarge         Reason = "too-large"
	UnsupportedMedia Reason = "unsupported-media-type"

	// 422
	Invalid    Reason = "invalid"
	NotGenuine Reason = "not-genuine" // the cryptogram was not made by this applet for this data

	// 429
	Paced Reason = "paced" // this card and merchant have had enough codes for now
	Busy  Reason = "busy"

	// 500, 503
	Internal    Reason = "internal"
	Unavailable Reason = "unavailable"
	// OutcomeUnknown: the store was lost while committing. Ask again with the
	// same idempotency key.
	OutcomeUnknown Reason = "outcome-unknown"
)

var problems = map[Reason]struct {
	status int
	title  string
}{
	Malformed:         {400, "The request cannot be read"},
	Unauthenticated:   {401, "No valid API key was given"},
	Forbidden:         {403, "This API key may not do that"},
	NotFound:          {404, "There is no such object"},
	MethodNotAllowed:  {405, "This path does not take that method"},
	WrongCode:         {402, "The code is wrong"},
	TooManyAttempts:   {402, "Too many wrong codes; the payment is declined"},
	InsufficientFunds: {402, "The account does not have the money"},
	CodeLocked:        {402, "Too many wrong codes on this card; wait"},
	WrongState:        {409, "That cannot be done in the present state"},
	PaymentExpired:    {409, "The time for the code is over"},
	CardBlockedNow:    {409, "The card is blocked"},
	CardUnbound:       {409, "The card is not bound to a phone"},
	PhoneUnavailable:  {409, "The phone is not enrolled or is revoked"},
	Duplicate:         {409, "It exists already"},
	IdempotencyReuse:  {409, "The idempotency key was used for another request"},
	AppletBlockedNow:  {409, "The applet is blocked or has expired"},
	LoadPending:       {409, "A load is in flight"},
	TotalsDiffer:      {409, "The totals differ"},
	TooMany:           {409, "There are as many as there may be"},
	Torn:              {409, "The debit never took effect"},
	TooLarge:          {413, "The request is too large"},
	UnsupportedMedia:  {415, "The request must be application/json"},
	Invalid:           {422, "A value is not allowed"},
	NotGenuine:        {422, "The cryptogram is not genuine"},
	Paced:             {429, "Too many codes for this card; wait"},
	Busy:              {429, "The bank is busy; try again"},
	Internal:          {500, "The bank failed; nothing was changed"},
	Unavailable:       {503, "The bank is not ready"},
	OutcomeUnknown:    {503, "The outcome is unknown; ask again with the same idempotency key"},
}

// Status is the HTTP status of the reason.
func (r Reason) Status() int { return problems[r].status }

// Title is one sentence in English.
func (r Reason) Title() string { return problems[r].title }

// Reasons lists every reason, for documents and tests.
func Reasons() []Reason {
	out := make([]Reason, 0, len(problems))
	for r := range problems {
		out = append(out, r)
	}
	return out
}

// Problem is an error answer (RFC 9457), media type application/problem+json.
type Problem struct {
	Type   string `json:"type" example:"urn:sotto:problem:wrong-code"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty" doc:"what to do next"`
	// Field is the JSON name of the value that was not allowed.
	Field string `json:"field,omitempty"`
	// AttemptsLeft is there after a wrong code.
	AttemptsLeft *int `json:"attempts_left,omitempty"`
	// RetryAfter is in seconds; the Retry-After header has it too.
	RetryAfter int `json:"retry_after,omitempty"`
}

// ProblemType is the prefix of every problem type.
const ProblemType = "urn:sotto:problem:"

// NewProblem makes the problem of a reason.
func NewProblem(r Reason, detail string) *Problem {
	return &Problem{Type: ProblemType + string(r), Title: r.Title(), Status: r.Status(), Detail: detail}
}

// Reason is the stable name inside Type.
func (p *Problem) Reason() Reason {
	if len(p.Type) <= len(ProblemType) {
		return ""
	}
	return Reason(p.Type[len(ProblemType):])
}

// Error is title and detail.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return p.Title
	}
	return p.Title + ": " + p.Detail
}
