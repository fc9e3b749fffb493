//go:build unix

package sqlite_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"sotto/bank/sqlite"
	"sotto/bank/storetest"
)

func BenchmarkPayments(b *testing.B) {
	path := filepath.Join(b.TempDir(), "bank.db")
	s, err := sqlite.Open(b.Context(), path, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	done := storetest.Bench(b, s, 100)
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	cpu := func(r syscall.Rusage) int64 { return r.Utime.Nano() + r.Stime.Nano() }
	if st, err := os.Stat(path + "-wal"); err == nil {
		b.ReportMetric(float64(st.Size())/float64(done), "walB/payment")
	}
	b.ReportMetric(float64(cpu(after)-cpu(before))/1000/float64(done), "cpu-µs/payment")
}
