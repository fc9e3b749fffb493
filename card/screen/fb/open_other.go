//go:build !linux

package fb

import (
	"errors"
	"io"
)

// Open has no framebuffer to open here.
func Open(string) (*Panel, io.Closer, error) {
	return nil, nil, errors.New("framebuffers are Linux's: run the card there")
}
