package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set at release with -ldflags "-X main.version=…".
var version = ""

type versionCmd struct{}

// Run prints version, revision and toolchain on one line.
func (versionCmd) Run(g *globals) error {
	v, revision := version, ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	_, err := fmt.Fprintf(g.Out, "sotto %s%s %s %s/%s\n", v, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
