package screen

import "sotto/card"

// field is one labelled text in the body. A field without a label is a note of
// the screen's own.
type field struct {
	label, text string
}

// The widest that the hero line, the amount and the footer may be. What does
// not fit there becomes a field.
const (
	codeDigitsMax = 8
	contentWidth  = Width - 2*margin
	markReserve   = 64 // "9999/9999"
	footWidth     = contentWidth - markReserve
	footGap       = 12
	titleGap      = 12
)

// plan is a view sorted into the places it will stand in. It has room for the
// fields of most views, so that they take nothing more from the heap.
type plan struct {
	title      string
	amount     string
	amountFace face
	code       string
	foot       []string
	fields     []field
	footRoom   [2]string
	fieldRoom  [8]field
}

// fill decides where everything goes. Idle shows card and holder whatever else
// the view holds: a code that outlived its scene must not be seen again.
func (p *plan) fill(v card.View) {
	p.foot, p.fields = p.footRoom[:0], p.fieldRoom[:0]
	w := wordsFor(v.Language)
	switch v.Scene {
	case card.SceneIdle: // no title, no fields
	case card.ScenePayment:
		p.title = w.pay
		p.placeCode(v.Code, w)
		p.placeAmount(v.Amount, w)
		p.add(w.to, v.Payee)
		p.add(w.phone, v.Phone)
		p.addDetails(v.Details, w)
	case card.SceneBind:
		p.title = w.bind
		p.placeCode(v.Code, w)
		p.placeAmount(v.Amount, w)
		p.addQuestion(v.Phone, w)
		p.add(w.to, v.Payee)
		p.addDetails(v.Details, w)
		p.addNotes(w.bindNote)
	case card.SceneReleased:
		p.title = w.released
		p.add(w.phone, v.Phone)
		p.addNotes(w.releasedNote)
	case card.ScenePlain:
		p.addPlain(v, w)
	}
	p.placeFoot(v, w)
}

func (p *plan) add(label, text string) {
	if text != "" {
		p.fields = append(p.fields, field{label, text})
	}
}

func (p *plan) addNotes(notes []string) {
	for _, n := range notes {
		p.fields = append(p.fields, field{text: n})
	}
}

// bullet stands in the label column before a line that a plain card shows as it
// came, so that such a line cannot bring a label of its own.
const bullet = "›"

func (p *plan) addPlain(v card.View, w words) {
	p.title = w.message
	if v.Code != "" {
		p.title = w.code
		p.placeCode(v.Code, w)
	}
	for _, line := range v.Lines {
		p.add(bullet, line)
	}
}

func (p *plan) addDetails(details []card.Detail, w words) {
	for _, d := range details {
		p.add(w.detail(d.Kind), d.Text)
	}
}

func (p *plan) addQuestion(phone string, w words) {
	if phone != "" {
		p.add(w.bindPhone, phone+w.question)
	}
}

func (p *plan) placeCode(code string, w words) {
	switch {
	case code == "":
		p.code = w.noCode
	case isBigCode(code):
		p.code = code
	default:
		p.add(w.code, code)
	}
}

func (p *plan) placeAmount(amount string, w words) {
	room := contentWidth - widthOf(faceBold, p.title) - titleGap
	for _, f := range []face{faceAmount, faceText} {
		if widthOf(f, amount) <= room {
			p.amount, p.amountFace = amount, f
			return
		}
	}
	p.add(w.amount, amount)
}

// placeFoot puts card id and holder at the bottom, where they stand on every
// page, as far as they fit whole.
func (p *plan) placeFoot(v card.View, w words) {
	x := 0
	for _, f := range []field{{w.thisCard, v.CardID}, {w.holder, v.Holder}} {
		width := widthOf(faceText, f.text)
		switch {
		case f.text == "":
		case x+width <= footWidth:
			p.foot = append(p.foot, f.text)
			x += width + footGap
		default:
			p.add(f.label, f.text)
		}
	}
}

func isBigCode(code string) bool {
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return false
		}
	}
	return len(code) > 0 && len(code) <= codeDigitsMax
}
