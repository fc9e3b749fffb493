package bench

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sotto/bank"
)

// reading is the counters of bank and machine at one moment. What the system
// does not tell stays zero.
type reading struct {
	at          time.Time
	bank        bank.Stats
	own         time.Duration // CPU time of this process
	busy        time.Duration // CPU time of the machine that was not idle
	written     int64         // bytes that this process sent to disks
	allocated   uint64
	pauses      time.Duration
	collections int64
}

func (s *site) reading() reading {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return reading{
		at: time.Now(), bank: s.service.Bank.Stats(), own: ownCPU(), busy: busyCPU(), written: writtenBytes(),
		allocated: m.TotalAlloc, pauses: time.Duration(m.PauseTotalNs), collections: int64(m.NumGC),
	}
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// jiffy is what /proc/stat counts in: USER_HZ, 100 on every Linux.
const jiffy = 10 * time.Millisecond

// busyCPU adds user, nice, system, irq, softirq and steal (proc_stat(5)).
func busyCPU() time.Duration {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	var sum int64
	for _, at := range []int{1, 2, 3, 6, 7, 8} {
		if at < len(fields) {
			n, _ := strconv.ParseInt(fields[at], 10, 64)
			sum += n
		}
	}
	return time.Duration(sum) * jiffy
}

func writtenBytes() int64 {
	text, _ := os.ReadFile("/proc/self/io")
	n, _ := strconv.ParseInt(field(string(text), "write_bytes:"), 10, 64)
	return n
}

// field is what follows a name at the begin of a line.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
