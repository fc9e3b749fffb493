// Package bluez is Bluetooth Low Energy on Linux, through bluetoothd's D-Bus
// interface (BlueZ 5.62 and later): an Adapter is a ble.Central and a
// ble.Peripheral.
//
// An adapter that is given to it is its own: it is powered on, takes no new bonds,
// and, for a card, calls itself by a name that all cards share; Close puts that
// back. A card hangs up on whoever stays connected to its adapter and does
// nothing, but for devices that had a bond before, and decides for all adapters of
// bluetoothd who may pair.
//
// What fails is said with what to do about it. When bluetoothd or the bus goes
// away, everything on it fails, and the next call begins anew.
package bluez
