// Package ble carries messages between a phone and a card over Bluetooth Low
// Energy: the card is a GATT peripheral, the phone a central
// (docs/protocol/ble.md has every byte).
//
// Reach is the phone's side and Serve the card's. Both are the same over every
// Bluetooth stack; package bluez below is the one for Linux. Messages are cut,
// joined and repeated by package frame.
//
// A card is found by a hint in what it advertises. The hint is different every
// quarter of an hour and means something only to those who know the card's id.
// Whoever connects proves that he knows it too before the card takes a frame from
// him or lets him pair. Nothing of this is a secret of any strength: messages
// are sealed before they come and after they leave. The link is encrypted if both
// stacks can, and nothing relies on it.
package ble

import "errors"

// Errors of a link, and reasons for which a card turns a phone away.
var (
	// ErrNoRadio: this machine's Bluetooth cannot be used now.
	ErrNoRadio = errors.New("ble: Bluetooth cannot be used")
	// ErrStranger: it has not shown that it knows the card.
	ErrStranger = errors.New("ble: a phone that does not know this card")
	// ErrBusy: others have taken all places. Later there may be one.
	ErrBusy = errors.New("ble: the card has no place for another phone")
)
