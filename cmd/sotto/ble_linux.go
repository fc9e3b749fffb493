package main

import (
	"context"
	"fmt"

	"sotto/link/ble"
	"sotto/link/ble/bluez"
)

// radio is a Bluetooth adapter for either role.
type radio interface {
	ble.Central
	ble.Peripheral
	Close()
}

func openBLE(ctx context.Context, g *globals, adapter string) (radio, error) {
	a, err := bluez.Open(ctx, adapter, g.Log)
	if err != nil {
		return nil, fmt.Errorf("open Bluetooth adapter %s: %w", adapter, err)
	}
	return a, nil
}
