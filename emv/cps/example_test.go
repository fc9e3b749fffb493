package cps_test

import (
	"fmt"
	"testing"

	"sotto/emv/cps"
)

// From the bank to the card: the bank writes a file, whoever installs it hides
// the keys and sends blocks, and the card reads the profile.
func Example() {
	t := new(testing.T)

	// The bank.
	applet, _ := purse(t, usualChain, true).Applet()
	file, _ := applet.Append(nil)

	// The one who installs, in a secure channel with these keys.
	keys := channel(t)
	read, _ := cps.ParseApplet(file)
	hidden, _ := cps.Encrypt(read.Groups, keys.Encrypt)
	blocks, _ := cps.Blocks(hidden, 239)

	// The card.
	var card cps.Assembly
	for _, b := range blocks {
		card, _ = card.Add(b)
	}
	groups, _ := cps.Decrypt(card.Groups(), keys.Decrypt)
	installed := cps.Applet{AID: read.AID, Label: read.Label, Kind: read.Kind, Priority: read.Priority, Groups: groups}
	profile, err := installed.Profile()
	fmt.Println(len(groups), "groups in", len(blocks), "blocks:", err)
	balance, _ := profile.Balance.Minor()
	fmt.Printf("%s %s, %d.%02d, until %v\n", profile.Kind, profile.Track2, balance/100, balance%100, profile.Expiry)
	fmt.Println(profile.Keys.AC, profile.Offline.Key.P)

	// Output:
	// 15 groups in 8 blocks: <nil>
	// purse 622848*********8907, 50.00, until 2029-12-31
	// [secret] [secret]
}
