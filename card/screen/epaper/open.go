package epaper

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"
	"periph.io/x/conn/v3/spi/spireg"
)

// Where says how a panel is wired, as in
// "/dev/spidev0.0,dc=GPIO25,reset=GPIO17,busy=GPIO24".
type Where struct{ Port, DataCommand, Reset, Busy string }

// ErrWhere says that a wiring cannot be read.
var ErrWhere = errors.New("a panel's wiring is written like /dev/spidev0.0,dc=GPIO25,reset=GPIO17,busy=GPIO24")

// ParseWhere reads a wiring.
func ParseWhere(text string) (w Where, err error) {
	parts := strings.Split(text, ",")
	w.Port = parts[0]
	for _, part := range parts[1:] {
		name, line, _ := strings.Cut(part, "=")
		at, known := map[string]*string{"dc": &w.DataCommand, "reset": &w.Reset, "busy": &w.Busy}[name]
		if !known || *at != "" {
			return Where{}, ErrWhere
		}
		*at = line
	}
	if w.Port == "" || w.DataCommand == "" || w.Reset == "" || w.Busy == "" {
		return Where{}, ErrWhere
	}
	return w, nil
}

// Open opens a panel on this machine, which has to be Linux: see
// hardware_linux.go. Close gives the port free; the glass keeps
// what it shows.
func Open(w Where) (*Panel, io.Closer, error) {
	if _, err := driverreg.Init(); err != nil {
		return nil, nil, fmt.Errorf("look for SPI and GPIO: %w", err)
	}
	port, err := spireg.Open(w.Port)
	if err != nil {
		return nil, nil, fmt.Errorf("open SPI port %s: %w; is SPI switched on, and may you use it?", w.Port, err)
	}
	p, err := wired(w, func(l Lines) (*Panel, error) { return New(port, l) })
	if err != nil {
		port.Close()
		return nil, nil, err
	}
	return p, port, nil
}

// wired finds the lines by their names.
func wired(w Where, with func(Lines) (*Panel, error)) (*Panel, error) {
	var pins [3]gpio.PinIO
	for i, name := range []string{w.DataCommand, w.Reset, w.Busy} {
		if pins[i] = gpioreg.ByName(name); pins[i] == nil {
			return nil, fmt.Errorf("this machine has no GPIO line %s: 'gpioinfo' lists them", name)
		}
	}
	return with(Lines{DataCommand: pins[0], Reset: pins[1], Busy: pins[2]})
}
