//go:build !linux

package pcscdtest

import "syscall"

// attributes has nothing to set: the daemon shares /run with all others.
func attributes(bool) (*syscall.SysProcAttr, bool) { return nil, false }
