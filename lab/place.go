package lab

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"sotto/link/mem"
)

// Distances in metres. Phone and card are introduced to each other side by side,
// and then lie in one room.
const (
	distanceMax   = 100
	distanceMin   = 0.01 // of a walk
	distanceStart = 3
	distanceBind  = 0.02
	distanceFar   = 40 // where no link reaches
)

// ParseDistance reads a distance as people write it, "3m" or "2.5 cm", in metres.
func ParseDistance(text string) (float64, error) {
	number, unit := strings.CutSuffix(strings.TrimSpace(text), "m")
	scale := 1.0
	if rest, cm := strings.CutSuffix(number, "c"); cm {
		number, scale = rest, 0.01
	}
	metres, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if metres *= scale; err != nil || !unit || !between(metres) {
		return 0, fmt.Errorf("%q is no distance: give one as in 3m or 2cm, up to %d m", text, distanceMax)
	}
	return metres, nil
}

func between(metres float64) bool { return metres >= 0 && metres <= distanceMax }

func checkLink(name string) error {
	if name == LinkBest || slices.ContainsFunc(technologies, func(t mem.Technology) bool { return t.Name == name }) {
		return nil
	}
	return fmt.Errorf("there is no link %q: use best, nfc, rfid or ble", name)
}

// reaches reports whether a choice of link reaches so far.
func reaches(link string, metres float64) bool {
	return slices.ContainsFunc(technologies, func(t mem.Technology) bool {
		return (link == LinkBest || link == t.Name) && t.Loss(metres) < 1
	})
}

// homes are where the phone is when a link is used, in metres.
var homes = map[string]float64{
	LinkBest: distanceStart, mem.NFC.Name: distanceBind, mem.RFID.Name: 0.2, mem.BLE.Name: distanceStart,
}

// standing is where the phone is.
type standing struct {
	link     string
	distance float64 // metres
	slow     bool

	walking Walking
	halt    context.CancelFunc // ends the walk
	home    float64            // where it was before it was walked away; 0: it was not
}

// Walking says where somebody is just now walking with the phone.
type Walking string

// The ways to walk.
const (
	WalkingNot  Walking = ""
	WalkingAway Walking = "away"
	WalkingBack Walking = "back"
)

// put ends a walk, and is where the phone stays.
func (s *standing) put(metres float64) {
	s.stop()
	s.distance, s.home = metres, 0
}

func (s *standing) stop() {
	if s.halt != nil {
		s.halt()
	}
	s.walking, s.halt = WalkingNot, nil
}

// ChooseLink has the phone call the card by one link alone, or by the best. If
// that does not reach the card from where the phone is, it is brought to where
// it does.
func (l *Lab) ChooseLink(name string) error {
	if err := checkLink(name); err != nil {
		return errAsk(err.Error())
	}
	l.change(func(w *world) {
		w.standing.link = name
		if !reaches(name, w.standing.distance) {
			w.standing.put(homes[name])
		}
	})
	l.place()
	return nil
}

// moveTo is MoveTo of a request, which has to say where.
func (l *Lab) moveTo(metres *float64) error {
	if metres == nil {
		return errAsk("give distance_m, in metres")
	}
	return l.MoveTo(*metres)
}

// MoveTo puts the phone so many metres from the card.
func (l *Lab) MoveTo(metres float64) error {
	if !between(metres) {
		return errAsk(fmt.Sprintf("give a distance of 0 to %d, in metres", distanceMax))
	}
	l.change(func(w *world) { w.standing.put(metres) })
	l.place()
	return nil
}

// WatchSlowly lets each packet on the radio take so long that an eye can follow,
// or not. What happens is the same.
func (l *Lab) WatchSlowly(on bool) error {
	l.change(func(w *world) { w.standing.slow = on })
	l.place()
	return nil
}

// A walk is so many steps.
const (
	stride  = 100 * time.Millisecond
	strides = 50
)

// Walk carries the phone away from the card, farther than its link reaches, or
// back to where it was. It returns at once: what is on its way meanwhile has to
// see how it gets there.
func (l *Lab) Walk(away bool) error {
	ctx, halt := context.WithCancel(l.ctx)
	var from, to float64
	l.change(func(w *world) {
		s := &w.standing
		s.stop()
		from = max(s.distance, distanceMin)
		s.halt = halt
		if away {
			s.walking, to = WalkingAway, max(from, farFrom(s.link))
			if s.home == 0 {
				s.home = from
			}
			return
		}
		s.walking, to = WalkingBack, s.home
		if to == 0 {
			to = homes[s.link]
		}
	})
	l.running.Go(func() {
		defer halt()
		l.stroll(ctx, from, to)
	})
	return nil
}

// farFrom is where a link does not reach.
func farFrom(link string) float64 {
	for _, t := range technologies {
		if t.Name == link {
			return t.RangeMax * 4 / 3
		}
	}
	return distanceFar
}

// stroll goes from one place to another, each step as much farther than the one
// before: a hand's breadth near the card and long strides far from it.
func (l *Lab) stroll(ctx context.Context, from, to float64) {
	for step := 1; step <= strides; step++ {
		if l.last(ctx, stride) != nil {
			return
		}
		metres := from * math.Pow(to/from, float64(step)/strides)
		l.change(func(w *world) {
			s := &w.standing
			switch {
			case ctx.Err() != nil: // somebody has put it elsewhere
			case step < strides:
				s.distance = math.Round(metres*1000) / 1000
			default:
				s.distance = to
				if s.walking == WalkingBack {
					s.home = 0
				}
				s.walking, s.halt = WalkingNot, nil
			}
		})
		l.place()
	}
}

// place tells the radio where the phone is. A phone that is away by a switch is so
// for every link.
func (l *Lab) place() {
	l.placing.Lock()
	defer l.placing.Unlock()
	l.mu.Lock()
	s, metres := l.world.standing, math.Inf(1)
	if l.world.reachable() {
		metres = s.distance
	}
	l.mu.Unlock()
	l.air.set(s.link, metres, s.slow)
}

// AirState is what lies between phone and card.
type AirState struct {
	Link     string      `json:"link"`       // that was chosen: best, nfc, rfid or ble
	Distance float64     `json:"distance_m"` // of the phone from the card
	Using    string      `json:"using"`      // the link that a message takes now; empty if none reaches the card
	Links    []LinkState `json:"links"`      // the nearest first
	Walking  Walking     `json:"walking,omitempty"`
	Away     bool        `json:"away,omitempty"` // it was walked away, and can be walked back
	Slow     bool        `json:"slow,omitempty"` // each packet takes its time
}

// LinkState is one link between phone and card.
type LinkState struct {
	Name    string  `json:"name"`
	InReach bool    `json:"in_reach"`
	Loss    float64 `json:"loss"`    // share of packets that are lost over this distance
	Clear   float64 `json:"clear_m"` // up to there nothing is lost
	Range   float64 `json:"range_m"` // and from there on everything
}

func (w *world) air() AirState {
	s := w.standing
	a := AirState{Link: s.link, Distance: s.distance, Walking: s.walking, Away: s.home != 0, Slow: s.slow}
	for _, t := range technologies {
		l := LinkState{Name: t.Name, Loss: 1, Clear: t.ClearMax, Range: t.RangeMax}
		if w.reachable() {
			l.Loss = t.Loss(s.distance)
		}
		l.InReach = l.Loss < 1
		if a.Using == "" && l.InReach && (s.link == t.Name || s.link == LinkBest) {
			a.Using = t.Name
		}
		a.Links = append(a.Links, l)
	}
	return a
}
