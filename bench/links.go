package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"sotto/link/mem"
)

// LinksOptions of Links.
type LinksOptions struct {
	Deliveries int       // over each link at each loss
	Loss       []float64 // shares of packets that are lost, in percent
	Seed       uint64
	Progress   io.Writer
}

// LinksResult is what Links has measured. It is the same on every machine.
type LinksResult struct {
	Seed  uint64    `json:"seed"`
	Links []LinkRow `json:"links"`
	// Late are deliveries to a card that is elsewhere at first, for any time up
	// to twice the life of a code.
	Late   []LinkRow `json:"card_comes_late"`
	Faults []string  `json:"faults"` // the first of them
}

// LinkRow is what came of all deliveries over one link at one loss.
type LinkRow struct {
	Link       string  `json:"link"`
	Loss       float64 `json:"loss_percent"`
	Deliveries int     `json:"deliveries"`
	Delivered  int     `json:"delivered"` // the phone has the card's receipt
	Expired    int     `json:"expired"`   // there was none while the code was good, and the phone knows
	Unheard    int     `json:"expired_but_shown"`
	Wrong      int     `json:"wrong"`
	Twice      int     `json:"came_twice"` // messages that the card got again, and knew

	Shown    LinkTimes `json:"shown_ms"`    // until the card shows it
	Answered LinkTimes `json:"answered_ms"` // until the phone has the receipt

	Sealed   float64 `json:"sealed_bytes"` // of the message
	Receipt  float64 `json:"receipt_bytes"`
	OnAir    float64 `json:"bytes_on_air"` // for each delivery, both ways, with all that is around
	OverSize float64 `json:"bytes_on_air_per_sealed_byte"`
	Packets  float64 `json:"packets"`
}

// LinkTimes are times in milliseconds since the phone has had the message.
type LinkTimes struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Links measures deliveries of sealed payments to a real card over each link, by
// the models of their radios and in a time of their own. If one is neither
// delivered nor expired with the phone knowing it, or the card ever shows
// anything but the last whole payment or nothing, the result is an error.
func Links(ctx context.Context, o LinksOptions) (LinksResult, error) {
	r := LinksResult{Seed: o.Seed, Faults: []string{}}
	if err := o.check(); err != nil {
		return r, err
	}
	trials := o.trials()
	rows, faults := make([]LinkRow, len(trials)), make([][]string, len(trials))
	var mu sync.Mutex // of Progress
	each(ctx, len(trials), func(i int) {
		rows[i], faults[i] = deliver(trials[i], o.Seed)
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintln(o.Progress, rows[i].progress())
	})
	if err := ctx.Err(); err != nil {
		return r, err
	}
	late := len(trials) - len(linkWays)
	r.Links, r.Late = rows[:late], rows[late:]
	for i := range trials {
		for _, f := range faults[i] {
			r.Faults = append(r.Faults, fmt.Sprintf("%s at %v %%: %s", rows[i].Link, rows[i].Loss, f))
		}
	}
	return r, r.err()
}

func (o LinksOptions) check() error {
	if o.Deliveries < 1 || len(o.Loss) == 0 {
		return errors.New("there is nothing to measure: give at least one delivery and one loss")
	}
	for _, loss := range o.Loss {
		if loss < 0 || loss > 100 {
			return fmt.Errorf("a loss of %v %% there is not: give 0 to 100", loss)
		}
	}
	return nil
}

// trials are all links at each loss, and then all links at the last one with a
// card that comes late: a fiftieth of the deliveries, for the phone tries all along.
func (o LinksOptions) trials() (all []mem.Trial) {
	for _, w := range linkWays {
		for _, loss := range o.Loss {
			all = append(all, mem.Trial{Technology: w.technology, Link: w.reach, Loss: loss / 100, Seed: o.Seed, Deliveries: o.Deliveries})
		}
	}
	for _, w := range linkWays {
		all = append(all, mem.Trial{
			Technology: w.technology, Link: w.reach, Loss: o.Loss[len(o.Loss)-1] / 100, Seed: o.Seed,
			Deliveries: (o.Deliveries + 49) / 50, AwayMax: 2 * codeLife,
		})
	}
	return all
}

// each does n things, as many at a time as may run, until ctx ends.
func each(ctx context.Context, n int, do func(i int)) {
	next := make(chan int)
	var group sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	group.Wait()
}

// deliver makes one trial.
func deliver(t mem.Trial, seed uint64) (LinkRow, []string) {
	var ends *linkEnds
	t.ExpiryMax = codeLife
	t.Ends = func(c *mem.Clock) mem.Ends {
		ends = newLinkEnds(c, seed)
		return ends
	}
	o := t.Run()
	ends.settle()
	return rowOf(o, t.Deliveries), ends.faults
}

func rowOf(o mem.Outcome, deliveries int) LinkRow {
	ms := func(d time.Duration) float64 { return round(float64(d)/float64(time.Millisecond), 1) }
	return LinkRow{
		Link: o.Technology, Loss: round(100*o.Loss, 2), Deliveries: deliveries,
		Delivered: o.Delivered, Expired: o.Expired, Unheard: o.Unheard, Wrong: o.Wrong, Twice: o.Repeated,
		Shown:    LinkTimes{ms(o.ShownP50), ms(o.ShownP99), ms(o.ShownMax)},
		Answered: LinkTimes{ms(o.AnsweredP50), ms(o.AnsweredP99), ms(o.AnsweredMax)},
		Sealed:   round(o.MessageBytes, 1), Receipt: round(o.AnswerBytes, 1),
		OnAir: round(o.AirBytes, 1), OverSize: round(o.AirBytes/o.MessageBytes, 2), Packets: round(o.AirPackets, 2),
	}
}

func (r LinksResult) err() error {
	if len(r.Faults) > 0 {
		return fmt.Errorf("a card showed what is not true, or a phone was told so; 'faults' has the first, which seed %d makes again", r.Seed)
	}
	for _, rows := range [][]LinkRow{r.Links, r.Late} {
		for _, row := range rows {
			if row.Wrong > 0 || row.Delivered+row.Expired != row.Deliveries {
				return fmt.Errorf("%s at %v %%: %d of %d were neither delivered nor expired; seed %d makes them again",
					row.Link, row.Loss, row.Deliveries-row.Delivered-row.Expired, row.Deliveries, r.Seed)
			}
		}
	}
	return nil
}
