package main

import (
	"os"
	"runtime"
)

// sparePlaces is how many goroutines may run beyond one for each core.
const sparePlaces = 1

// makeRoom lets a process with a bank in it run more goroutines at a time than
// there are cores, unless the environment says how many. The bank's committer
// waits for the disk some hundred times a second, and each time it is back it
// would stand in line behind every request that is ready to run, while all of
// them wait for it. With a place to spare the system wakes it at once; see
// bench/README.md.
func makeRoom() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + sparePlaces)
	}
}
