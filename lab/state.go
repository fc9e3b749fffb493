package lab

import "sotto/bankapi"

// State is what a person in the room could see: every device's face, the shop's
// page, and what crossed the links, sealed as it was.
type State struct {
	Look     int64      `json:"look"` // counts: of two states the one with the greater is newer
	Language string     `json:"language"`
	Phone    PhoneState `json:"phone"`
	Card     CardState  `json:"card"`
	Air      AirState   `json:"air"` // between these two
	Bank     BankState  `json:"bank"`
	Shop     ShopState  `json:"shop"`
	SIM      SIMState   `json:"sim"`
	Till     TillState  `json:"till"`
	Tap      TapState   `json:"tap"`
	Switches Switches   `json:"switches"`
	Began    int64      `json:"began"` // of the timeline, Unix milliseconds
	Timeline []Crossing `json:"timeline"`
}

// Switches are the lab's "what if": see Lab.Switch.
type Switches struct {
	Reach   bool `json:"reach"`
	Offline bool `json:"offline"`
	Stolen  bool `json:"stolen"`
	Absent  bool `json:"absent"`
	Off     bool `json:"off"`
	Cut     bool `json:"cut"`
}

// PhoneState is the phone from outside. Screen is empty, always (A8).
type PhoneState struct {
	Screen  string `json:"screen"`
	ID      string `json:"id"`
	Name    string `json:"name"`
	Off     bool   `json:"off"`      // it has no power; its SIM does not need any
	Online  bool   `json:"online"`   // connected to the bank
	InReach bool   `json:"in_reach"` // of the card, by radio
	Stolen  bool   `json:"stolen"`
	// Waiting is a sealed message that has not reached its card.
	Waiting bool  `json:"waiting"`
	Thief   *Loot `json:"thief,omitempty"` // while it is stolen
}

// CardState is the card from outside.
type CardState struct {
	Present bool   `json:"present"`
	ID      string `json:"id"`
	Number  string `json:"number"` // masked
	Holder  string `json:"holder"`
	Screen  Screen `json:"screen"` // blank while the card is not here
	// Presents is how it presents, and Voice what can be heard of it now.
	Presents Presents   `json:"presents"`
	Voice    VoiceState `json:"voice"`
}

// Screen is the card's e-paper; a card that presents by voice alone leaves it blank. Lines are the text on this page; PNG is the
// picture itself, one pixel a pixel, as a data URI.
type Screen struct {
	Scene string   `json:"scene"`
	Lines []string `json:"lines"`
	Code  string   `json:"code"`
	Page  int      `json:"page"` // from 1
	Pages int      `json:"pages"`
	PNG   string   `json:"png"`
}

// BankState is what the bank's clerk sees.
type BankState struct {
	Funds   Funds            `json:"balances"`
	Moves   []Move           `json:"moves"` // the last transfers, newest first
	Payment *bankapi.Payment `json:"payment"`
}

// ShopState is the shop's page on the laptop.
type ShopState struct {
	Goods   []Good   `json:"goods"`
	Basket  []Item   `json:"basket"`
	Total   Money    `json:"total"`
	Payee   string   `json:"payee"`
	Problem *Problem `json:"problem"`
}

// Item is some of one good.
type Item struct {
	Good     string `json:"good"`
	Quantity int    `json:"quantity"`
}

// State looks at everything.
func (l *Lab) State() State {
	l.looking.Lock()
	defer l.looking.Unlock()
	l.looks++
	l.mu.Lock()
	s := l.world.state()
	l.mu.Unlock()
	if l.card != nil {
		s.Card.Screen, s.Card.Voice = l.card.face.panel.look(), l.card.face.speaker.look()
		s.Card.Presents = presentsOf(l.card.face.presentation())
	}
	s.Look = l.looks
	l.seeTap(&s)
	s.Card.ID, s.Card.Number, s.Card.Holder = l.kept.Card, l.kept.Number, holder
	if !s.Card.Present {
		s.Card.Screen = Screen{Scene: "absent", Lines: []string{}, Pages: 1}
		s.Card.Voice = VoiceState{Speech: s.Card.Voice.Speech}
	}
	s.Phone.ID, s.Phone.Name = l.kept.Phone, phoneName
	if l.phone != nil {
		s.Phone.Screen = l.phone.phone.Screen()
		s.Phone.Online = l.phone.online()
	}
	if s.Phone.Stolen {
		s.Phone.Thief = l.loot()
	}
	return s
}

func (w *world) state() State {
	air := w.air()
	s := State{
		Language: w.language,
		Phone:    PhoneState{Off: w.off, InReach: air.Using != "", Stolen: w.stolen, Waiting: w.waiting()},
		Air:      air,
		Card:     CardState{Present: w.here},
		Bank:     BankState{Funds: w.funds, Moves: w.moves},
		Shop: ShopState{
			Goods: goods, Basket: []Item{}, Total: balance(w.total()), Payee: payees[w.language],
			Problem: w.problem,
		},
		Switches: Switches{Reach: !w.near, Stolen: w.stolen, Absent: !w.here, Off: w.off, Offline: w.offline},
		Began:    w.begun.UnixMilli(),
		Timeline: append([]Crossing{}, w.timeline...),
	}
	for i, c := range s.Timeline {
		s.Timeline[i].Air = c.Air.clone()
	}
	if w.payment != nil {
		p := *w.payment
		s.Bank.Payment = &p
	}
	for _, g := range goods {
		if n := w.basket[g.ID]; n > 0 {
			s.Shop.Basket = append(s.Shop.Basket, Item{g.ID, n})
		}
	}
	return s
}

// waiting reports whether the timeline ends in a try that did not reach the card.
func (w *world) waiting() bool {
	n := len(w.timeline)
	return n > 0 && w.timeline[n-1].Lost && w.timeline[n-1].To == Card
}
