package card

// Scene is what kind of thing the card presents.
type Scene uint8

// The scenes. Idle is the resting picture: card id and holder name alone.
const (
	SceneIdle     Scene = iota
	ScenePayment        // a code for a payment, with its facts
	SceneBind           // a code that binds a phone, with the phone's name
	SceneReleased       // the binding has been revoked
	ScenePlain          // a plain card's lines, and a code if they have one
)

// View is everything the prompt component presents at one moment. All text in
// it is sanitised (see Sanitize) and none of it is cut: a prompt that has too
// little room pages.
type View struct {
	Scene  Scene
	Code   string // decimal digits, empty unless the scene has one
	Amount string // "CNY 128.00"
	Payee  string // ScenePayment
	Phone  string // SceneBind: the phone's name
	// Details are in the order of presentation: platform, order, description, card.
	Details []Detail
	Lines   []string // ScenePlain: text to be shown as it is, line by line
	CardID  string   // short form of the card's own id, as printed on its body
	Holder  string
	// Language is the payer's: "en" or "zh". It chooses labels, never content.
	Language string
}

// Detail is one labelled line of payment details.
type Detail struct {
	Kind DetailKind
	Text string
}

// DetailKind names what a detail is; the prompt writes the label.
type DetailKind uint8

// The kinds of detail (A6: platform, order number, card).
const (
	DetailPlatform DetailKind = iota + 1
	DetailOrder
	DetailDescription
	DetailCard
)
