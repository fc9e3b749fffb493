package bankhttp

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sotto/bank"
)

// metrics are what operators watch. Labels are routes, states and event types:
// no ids, so that their number is bounded and nothing leaks.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	serve    http.Handler
}

// durations are in seconds; a group commit takes about a millisecond.
var durations = []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, 1, 5, 20}

func newMetrics(c Config) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sotto_http_request_duration_seconds", Help: "Time to answer HTTP requests.", Buckets: durations,
		}, []string{"route", "status"}),
	}
	m.registry.MustRegister(m.requests, &bankCollector{c},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.serve = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return m
}

// observers keep what WithLabelValues looks up, because looking up takes longer
// than observing.
type observers struct {
	vec     *prometheus.HistogramVec
	pattern string
	known   *sync.Map // status → prometheus.Observer
}

func (m *metrics) of(pattern string) observers {
	return observers{m.requests, pattern, &sync.Map{}}
}

func (o observers) observe(status int, took time.Duration) {
	known, ok := o.known.Load(status)
	if !ok {
		known, _ = o.known.LoadOrStore(status, o.vec.WithLabelValues(o.pattern, strconv.Itoa(status)))
	}
	if observer, ok := known.(prometheus.Observer); ok {
		observer.Observe(took.Seconds())
	}
}

// bankCollector reads the bank's own counters when it is asked.
type bankCollector struct{ c Config }

func describeMetric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sotto_"+name, help, labels, nil)
}

var (
	opsDesc       = describeMetric("bank_ops_total", "Ops that the committer has applied.")
	batchesDesc   = describeMetric("bank_batches_total", "Batches that the committer has taken from its queue.")
	commitsDesc   = describeMetric("bank_commits_total", "Database transactions committed.")
	conflictsDesc = describeMetric("bank_conflicts_total", "Batches that the store asked to try again.")
	poisonedDesc  = describeMetric("bank_poisoned_ops_total", "Ops that failed alone: each is a fault to look into.")
	sizesDesc     = describeMetric("bank_commit_ops", "Ops of each database transaction.")
	queueDesc     = describeMetric("bank_queue_ops", "Ops that wait for the committer.")
	paymentsDesc  = describeMetric("payments_total", "Payments that came into a state, in this process.", "status")
	eventsDesc    = describeMetric("events_total", "Events by type, in this process.", "type")
	phonesDesc    = describeMetric("bus_phones", "Phones connected to the bus.")
	watchersDesc  = describeMetric("page_watchers", "Code pages that follow their payment live.")
)

// Describe implements prometheus.Collector.
func (b *bankCollector) Describe(d chan<- *prometheus.Desc) { prometheus.DescribeByCollect(b, d) }

// Collect implements prometheus.Collector.
func (b *bankCollector) Collect(out chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v int) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	s := b.c.Bank.Stats()
	counter(opsDesc, s.Ops)
	counter(batchesDesc, s.Batches)
	counter(commitsDesc, s.Commits)
	counter(conflictsDesc, s.Conflicts)
	counter(poisonedDesc, s.Poisoned)
	gauge(queueDesc, s.Queue)
	out <- sizes(s)
	gauge(phonesDesc, b.c.Phones())
	events, watching := b.c.Hub.tally()
	gauge(watchersDesc, watching)
	for kind, n := range events {
		counter(eventsDesc, n, kind)
		if status, ok := strings.CutPrefix(kind, "payment."); ok && isStatus(status) {
			counter(paymentsDesc, n, status)
		}
	}
}

// sizes makes a histogram of what Stats counts in powers of two. Its sum is that
// of all ops, those that changed nothing too.
func sizes(s bank.Stats) prometheus.Metric {
	buckets := map[float64]uint64{}
	var all uint64
	for i, n := range s.Sizes {
		all += uint64(n)
		buckets[float64(uint64(2)<<i-1)] = all
	}
	return prometheus.MustNewConstHistogram(sizesDesc, all, float64(s.Ops), buckets)
}

func isStatus(s string) bool {
	switch s {
	case "created", "authorized", "succeeded", "declined", "expired", "canceled", "refunded":
		return true
	}
	return false
}
