package bench

import (
	"fmt"
	"strconv"
)

// What the design promises.
const (
	goalPayments = 7000 // a second, at 128 connections
	goalOnCard   = 20.0 // ms at the 99th percentile, at 500 payments a second
)

// panelsOf chooses what to draw.
func panelsOf(r Result) []panel {
	var closed, open []Loop
	for _, l := range r.Loops {
		if l.Rate == 0 {
			closed = append(closed, l)
		} else {
			open = append(open, l)
		}
	}
	var all []panel
	switch len(closed) {
	case 0:
	case 1:
		all = append(all, overTime(closed[0]), overQuantiles(closed[0], "Latency", "as many payments as possible"))
	default:
		all = append(all, throughput(closed), latency(closed))
	}
	for _, l := range open {
		p := overQuantiles(l, fmt.Sprintf("Latency at %d payments/s", l.Rate), "payments begin by a schedule that waits for nobody")
		if l.Rate == 500 {
			p.goals = []goal{{"goal: code on the card, p99", goalOnCard}}
		}
		all = append(all, p)
	}
	return all
}

func throughput(loops []Loop) panel {
	p := panel{
		title: "Throughput", about: "each payment is three commits that survive a crash: create, receipt, confirm",
		xName: "connections, each with one payment at a time", yName: "payments/s",
		goals: []goal{{"goal at 128 connections", goalPayments}},
	}
	l := line{name: "payments/s", labels: true}
	for _, one := range loops {
		p.categories = append(p.categories, strconv.Itoa(one.Connections))
		l.values = append(l.values, one.PaymentsPerSecond)
	}
	p.lines = []line{l}
	return p
}

func latency(loops []Loop) panel {
	p := panel{
		title: "Latency of a whole payment", about: "from the create request to the answer to the confirm",
		xName: "connections, each with one payment at a time", yName: "ms", logarithmic: true,
	}
	lines := []line{{name: "p50"}, {name: "p99"}, {name: "p99.9"}}
	for _, one := range loops {
		p.categories = append(p.categories, strconv.Itoa(one.Connections))
		lines[0].values = append(lines[0].values, one.Whole.P50)
		lines[1].values = append(lines[1].values, one.Whole.P99)
		lines[2].values = append(lines[2].values, one.Whole.P999)
	}
	p.lines = lines
	return p
}

func overTime(l Loop) panel {
	p := panel{
		title: "Throughput", about: fmt.Sprintf("%d connections of %d merchants", l.Connections, l.Merchants),
		xName: "second", yName: "payments/s",
	}
	values := line{name: "payments/s"}
	step := max(1, len(l.EachSecond)/10)
	for i, n := range l.EachSecond {
		name := ""
		if (i+1)%step == 0 {
			name = strconv.Itoa(i + 1)
		}
		p.categories = append(p.categories, name)
		values.values = append(values.values, float64(n))
	}
	p.lines = []line{values}
	return p
}

func overQuantiles(l Loop, title, about string) panel {
	of := func(name string, v Latency) line {
		return line{name: name, values: []float64{v.P50, v.P90, v.P99, v.P999, v.Max}}
	}
	return panel{
		title: title, about: about, xName: "quantile", yName: "ms", logarithmic: true,
		categories: []string{"p50", "p90", "p99", "p99.9", "max"},
		lines:      []line{of("whole payment", l.Whole), of("create → card", l.OnCard), of("create", l.Create), of("confirm", l.Confirm)},
	}
}
