//go:build !linux

package main

import (
	"context"
	"errors"

	"sotto/link/ble"
)

// radio is a Bluetooth adapter for either role.
type radio interface {
	ble.Central
	ble.Peripheral
	Close()
}

func openBLE(context.Context, *globals, string) (radio, error) {
	return nil, errors.New("--ble works on Linux alone, through BlueZ: reach the card over TCP")
}
