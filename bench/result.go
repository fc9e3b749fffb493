package bench

import "math"

// Result is what Payments has measured. Its JSON is the machine-readable form
// of the command; times are in milliseconds unless the name says otherwise.
type Result struct {
	Machine Machine `json:"machine"`
	Setup   Setup   `json:"setup"`
	Loops   []Loop  `json:"loops"`
	Check   Check   `json:"check"`
}

// Setup is who took part.
type Setup struct {
	Cards         int     `json:"cards"`
	Phones        int     `json:"phones"`
	Merchants     int     `json:"merchants"`
	Hasty         bool    `json:"hasty"` // payers do not wait for the receipt
	WarmUpSeconds float64 `json:"warm_up_seconds"`
}

// Loop is one measurement: closed, or open at a rate.
type Loop struct {
	Connections int `json:"connections"`
	Merchants   int `json:"merchants"`
	Rate        int `json:"rate,omitempty"` // payments a second that were asked for; 0 is as many as possible

	Seconds           float64 `json:"seconds"`
	Payments          int64   `json:"payments"`
	PaymentsPerSecond float64 `json:"payments_per_second"`
	EachSecond        []int64 `json:"each_second"`

	Whole   Latency `json:"whole"`   // from create to the confirm's answer
	Create  Latency `json:"create"`  // HTTP request
	OnCard  Latency `json:"on_card"` // from create to the code on the card
	Confirm Latency `json:"confirm"` // HTTP request

	Ops     int64   `json:"ops"`     // creates, reports and confirms
	Commits int64   `json:"commits"` // each is one fsync of the write-ahead log
	Batch   float64 `json:"ops_per_commit"`
	// Batches counts batches by size: of 1 op, of 2 to 3, of 4 to 7 and so on.
	Batches []int64 `json:"batches"`

	Cores        float64 `json:"cores_used"`             // by bank and load generator together
	CPU          float64 `json:"cpu_per_payment"`        // ms, both sides
	OthersCores  float64 `json:"cores_used_by_others"`   // other programs on the machine
	WrittenBytes int64   `json:"written_bytes"`          // to the disk, by this process
	Allocated    int64   `json:"allocated_per_payment"`  // bytes of Go heap, both sides
	Pauses       float64 `json:"garbage_pauses_seconds"` // the world stopped
	Collections  int64   `json:"garbage_collections"`
}

// Latency are quantiles in milliseconds.
type Latency struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// Check is what the database said when it was opened anew after the load.
type Check struct {
	Acknowledged       int64    `json:"acknowledged"` // confirms, over all loops and their warm-ups
	AcknowledgedAmount int64    `json:"acknowledged_amount"`
	Succeeded          int64    `json:"succeeded"` // payments in the database
	MerchantsOwn       int64    `json:"merchants_own"`
	Links              int64    `json:"links"`
	Events             int64    `json:"events"`
	Transfers          int64    `json:"transfers"`
	Accounts           int64    `json:"accounts"`
	Faults             []string `json:"faults"`
	DatabaseBytes      int64    `json:"database_bytes"`
	Seconds            float64  `json:"seconds"`
}

func (l *Loop) fill(before, after reading, span float64) {
	l.Ops, l.Commits = after.bank.Ops-before.bank.Ops, after.bank.Commits-before.bank.Commits
	if l.Commits > 0 {
		l.Batch = round(float64(l.Ops)/float64(l.Commits), 1)
	}
	for i := range after.bank.Sizes {
		l.Batches = append(l.Batches, after.bank.Sizes[i]-before.bank.Sizes[i])
	}
	l.Cores = round((after.own-before.own).Seconds()/span, 2)
	l.OthersCores = round(max(0, (after.busy-before.busy).Seconds()-(after.own-before.own).Seconds())/span, 2)
	l.WrittenBytes = after.written - before.written
	if l.Payments > 0 {
		l.CPU = round((after.own-before.own).Seconds()*1000/float64(l.Payments), 3)
		l.Allocated = int64(after.allocated-before.allocated) / l.Payments
	}
	l.Pauses, l.Collections = round((after.pauses-before.pauses).Seconds(), 3), after.collections-before.collections
}

func round(v float64, digits int) float64 {
	shift := math.Pow(10, float64(digits))
	return math.Round(v*shift) / shift
}
