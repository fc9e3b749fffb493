//go:build !unix

package main

import "os"

// columnsOf does not know a terminal here.
func columnsOf(*os.File) (int, bool) { return 0, false }
