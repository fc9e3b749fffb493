package sotto_test

import (
	"slices"
	"strings"
)

// The floors, lowest first. A package imports only lower floors.
type floor int

const (
	unknown floor = iota
	word
	room
	adapter
	door
	entrance // cmd: the one door that opens the others
)

// wordTiers orders the words: a word imports only words of the tiers before.
var wordTiers = [][]string{
	{"ident", "tlv", "secret", "money", "apdu", "isomac"},
	{"emv", "dyncode", "scp03"},
	{"emv/oda"},
	{"emv/cps"},
	{"bankapi", "link"},
	{"bankapi/subject", "link/frame"},
}

var (
	rooms = []string{"bank", "phone", "card", "sim", "pos"}
	// doors are these and what is below them; phone/mobile is the phone's own.
	doors = []string{"lab", "world", "bench", "examples"}
	// households are the folders that have adapters: every room, and these.
	households = append([]string{"bankapi", "link", "keystore"}, rooms...)
)

// exceptions are the imports that a rule would forbid and a reason allows:
// "importer imported" → reason. Test files need none (see testMayImport).
var exceptions = map[string]string{
	"bank/service bank/bankbus":  assembly,
	"bank/service bank/bankhttp": assembly,
	"bank/service bank/issuer":   assembly,
	"bank/service bank/webhook":  assembly,
	"bank/service keystore/file": assembly,
	"bank/sqlite bank/sqltable":  "the columns, which every SQL store shares",
}

const assembly = "the bank is put together once, for three doors"

// floorOf places a folder; a folder that nobody has placed is unknown.
func floorOf(dir string) floor {
	top, _, deep := strings.Cut(dir, "/")
	switch {
	case tier(dir) >= 0:
		return word
	case slices.Contains(rooms, dir):
		return room
	case dir == "phone/mobile", slices.Contains(doors, top):
		return door
	case deep && slices.Contains(households, top):
		return adapter
	case deep && top == "cmd":
		return entrance
	}
	return unknown
}

func tier(dir string) int {
	return slices.IndexFunc(wordTiers, func(names []string) bool { return slices.Contains(names, dir) })
}

// household is the folder an adapter or room belongs to: "bank" of "bank/sqlite".
func household(dir string) string {
	top, _, _ := strings.Cut(dir, "/")
	return top
}

// family is the adapter that a folder is part of: "card/screen" of
// "card/screen/png". Adapters and doors may be built of several packages.
func family(dir string) string {
	top, below, _ := strings.Cut(dir, "/")
	name, _, _ := strings.Cut(below, "/")
	return top + "/" + name
}

// mayImport is the rule of the floors for files that are not tests.
func mayImport(from, to string) bool {
	a, b := floorOf(from), floorOf(to)
	switch {
	case exceptions[from+" "+to] != "":
		return true
	case b == unknown:
		return false
	case a == word && b == word:
		return tier(to) < tier(from)
	case a == room && b == room:
		return false
	case a == adapter && b == adapter:
		return family(from) == family(to)
	case a == adapter && b == room:
		return household(from) == to
	case a == door && b == door:
		return household(from) == household(to) || household(from) == "examples"
	}
	return b < a
}

// testMayImport is the rule for test files. The tests of a room may use its own
// adapters and those that are nobody's; the tests of an adapter anything below
// the doors.
func testMayImport(from, to string) bool {
	if from == to || mayImport(from, to) {
		return true
	}
	switch floorOf(from) {
	case word:
		return floorOf(to) == word
	case room:
		return floorOf(to) == adapter && (household(to) == from || !slices.Contains(rooms, household(to)))
	case adapter:
		return floorOf(to) != unknown && floorOf(to) <= adapter
	}
	return floorOf(from) >= door && floorOf(to) != unknown
}
