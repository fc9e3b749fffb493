package bench

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Machine is what the figures were measured on.
type Machine struct {
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"`
	OS         string  `json:"os"`
	Go         string  `json:"go"`
	Filesystem string  `json:"filesystem"`
	Fsync      Latency `json:"fsync"` // of 8 KB appended to a file in the folder of the database
}

const fsyncs = 200

// describeMachine looks at the machine, and probes its disk.
func describeMachine(dir string) Machine {
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	_, name, _ := strings.Cut(field(string(cpu), "model name"), ":")
	if name == "" {
		name = runtime.GOARCH
	}
	return Machine{
		CPU: strings.TrimSpace(name), Cores: runtime.NumCPU(), Go: runtime.Version(), Filesystem: filesystemOf(dir),
		OS:    strings.TrimSpace(runtime.GOOS + " " + strings.TrimSpace(string(release))),
		Fsync: probe(filepath.Join(dir, "fsync.probe")),
	}
}

// Magic numbers of statfs(2).
var filesystems = map[int64]string{
	0xEF53: "ext4", 0x58465342: "xfs", 0x9123683E: "btrfs", 0x01021994: "tmpfs", 0x794C7630: "overlayfs",
	0x2FC12FC1: "zfs", 0x6969: "nfs", 0x858458F6: "ramfs",
}

func filesystemOf(dir string) string {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return "unknown"
	}
	if name := filesystems[int64(s.Type)]; name != "" { //nolint:unconvert // its width differs between machines
		return name
	}
	return "unknown"
}

// inMemory reports whether files in dir are lost with the power.
func inMemory(dir string) bool {
	name := filesystemOf(dir)
	return name == "tmpfs" || name == "ramfs"
}

// probe measures what one commit waits for at least.
func probe(path string) Latency {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return Latency{}
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(path)
	}()
	block := make([]byte, 8192)
	took := make([]time.Duration, 0, fsyncs)
	var sum time.Duration
	for range fsyncs {
		if _, err := f.Write(block); err != nil {
			return Latency{}
		}
		began := time.Now()
		if err := f.Sync(); err != nil {
			return Latency{}
		}
		took = append(took, time.Since(began))
		sum += took[len(took)-1]
	}
	slices.Sort(took)
	at := func(q float64) float64 { return millis(took[int(q*float64(len(took)-1))].Microseconds()) }
	return Latency{Mean: millis((sum / fsyncs).Microseconds()), P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Max: at(1)}
}
