package sim_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"

	"sotto/apdu"
	"sotto/emv/cps"
	"sotto/link"
	"sotto/scp03"
	"sotto/sim"
	"sotto/sim/host"
	"sotto/tlv"
)

var background = context.Background()

// Installed, locked, listed, deleted: what the issuer does, and what is left.
func TestManagement(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 100, nil), b.profile(sim.Account, 2, 0, nil))
	d := w.domain(w.put(link.Contactless))
	list, err := d.Status(background)
	if err != nil || len(list) != 2 || !list[0].Personalized || list[0].Locked || !bytes.Equal(list[0].AID, aid(sim.Purse, 1)) {
		t.Fatalf("got %+v, %v", list, err)
	}
	if err := d.Lock(background, aid(sim.Purse, 1), true); err != nil {
		t.Fatal(err)
	}
	if list, err = d.Status(background); err != nil || !list[0].Locked || list[1].Locked {
		t.Errorf("got %+v, %v", list, err)
	}
	c := w.put(link.Contactless)
	if r, _ := c.send(selectCommand(aid(sim.Purse, 1))); r.Status != apdu.StatusNotFound {
		t.Errorf("a locked applet: got %v", r.Status)
	}
	d = w.domain(w.put(link.Contactless))
	if err := d.Lock(background, aid(sim.Purse, 1), false); err != nil {
		t.Fatal(err)
	}
	if err := newTill(b).pay(w.put(link.Contactless), 100); err != nil {
		t.Error(err)
	}
	before := w.flash.Len()
	d = w.domain(w.put(link.Contactless))
	if err := d.Delete(background, aid(sim.Purse, 1)); err != nil {
		t.Fatal(err)
	}
	if got := w.flash.Len(); got > before-15 {
		t.Errorf("%d keys before, %d after", before, got)
	}
	if err := d.Delete(background, aid(sim.Purse, 1)); !errors.Is(err, apdu.StatusNoData) {
		t.Errorf("deleted twice: got %v", err)
	}
	if list, err = d.Status(background); err != nil || len(list) != 1 {
		t.Errorf("got %+v, %v", list, err)
	}
	w.reboot()
	if err := w.device.Prefer(aid(sim.Purse, 1)); !errors.Is(err, sim.ErrNoApplet) {
		t.Errorf("got %v", err)
	}
}

// Each applet gets a credential of its own, and one that is deleted and installed
// again another one (B6).
func TestCredentialsDiffer(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 100, nil), b.profile(sim.Purse, 2, 100, nil))
	wrapped := func(aid []byte) (found []byte) {
		pairs(t, w.flash, func(key, value []byte) {
			if key[0] == 'r' && bytes.Equal(key[1:], aid) {
				found, _ = tlv.Find(value, 0xC2)
			}
		})
		return found
	}
	one, two := wrapped(aid(sim.Purse, 1)), wrapped(aid(sim.Purse, 2))
	if len(one) != 60 || bytes.Equal(one, two) {
		t.Errorf("got % x and % x", one, two)
	}
	if err := w.device.Prefer(aid(sim.Purse, 1)); err != nil {
		t.Fatal(err)
	}
	d := w.domain(w.put(link.Contactless))
	if err := d.Delete(background, aid(sim.Purse, 1)); err != nil {
		t.Fatal(err)
	}
	w.install(b.profile(sim.Purse, 1, 100, nil))
	if w.shown(aid(sim.Purse, 1)).Preferred {
		t.Error("the new applet has the old one's place")
	}
	if bytes.Equal(one, wrapped(aid(sim.Purse, 1))) {
		t.Error("the old credential has come back")
	}
}

// The device holds 200 applets, and lists them all.
func TestFullDevice(t *testing.T) {
	w := newWallet(t)
	d := w.domain(w.put(link.Contact))
	for i := range sim.AppletsMax + 1 {
		_, err := d.Manage(background, sim.InstallCommand(aid(sim.Purse, i), sim.Purse, "CARD", 1))
		if i < sim.AppletsMax && err != nil {
			t.Fatalf("applet %d: %v", i, err)
		}
		if i == sim.AppletsMax && !errors.Is(err, apdu.StatusNoSpace) {
			t.Errorf("one too many: got %v", err)
		}
	}
	list, err := d.Status(background)
	if err != nil || len(list) != sim.AppletsMax {
		t.Fatalf("got %d, %v", len(list), err)
	}
	for i, x := range list {
		if !bytes.Equal(x.AID, aid(sim.Purse, i)) || x.Personalized {
			t.Errorf("applet %d: got %+v", i, x)
		}
	}
	if err := d.Delete(background, aid(sim.Purse, 7)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Manage(background, sim.InstallCommand(aid(sim.Account, 1), sim.Account, "CARD", 1)); err != nil {
		t.Errorf("there is room again: got %v", err)
	}
}

// What INSTALL refuses, and that it changes nothing.
func TestInstallRefusals(t *testing.T) {
	b := readIssuer()
	whole := newWallet(t, b.profile(sim.Purse, 1, 100, nil))
	good := func() apdu.Command { return sim.InstallCommand(aid(sim.Purse, 2), sim.Purse, "CARD", 1) }
	changed := func(f func(*apdu.Command)) apdu.Command { c := good(); f(&c); return c }
	tests := []struct {
		name string
		c    apdu.Command
		want apdu.Status
	}{
		{"an AID that is there", sim.InstallCommand(aid(sim.Purse, 1), sim.Purse, "CARD", 1), apdu.StatusNameExists},
		{"the PPSE", sim.InstallCommand([]byte("2PAY.SYS.DDF01"), sim.Purse, "CARD", 1), apdu.StatusNameExists},
		{"a short AID", sim.InstallCommand([]byte("abcd"), sim.Purse, "CARD", 1), apdu.StatusWrongData},
		{"a long AID", sim.InstallCommand(make([]byte, 17), sim.Purse, "CARD", 1), apdu.StatusWrongData},
		{"an unknown kind", sim.InstallCommand(aid(sim.Purse, 2), 3, "CARD", 1), apdu.StatusWrongData},
		{"a long label", sim.InstallCommand(aid(sim.Purse, 2), sim.Purse, "seventeen letters", 1), apdu.StatusWrongData},
		{"a label with a bell", sim.InstallCommand(aid(sim.Purse, 2), sim.Purse, "CARD\a", 1), apdu.StatusWrongData},
		{"a priority of two digits", sim.InstallCommand(aid(sim.Purse, 2), sim.Purse, "CARD", 16), apdu.StatusWrongData},
		{"cut", changed(func(c *apdu.Command) { c.Data = c.Data[:len(c.Data)-3] }), apdu.StatusWrongData},
		{"another P1", changed(func(c *apdu.Command) { c.P1 = 0x02 }), apdu.StatusWrongP1P2},
		{"another P2", changed(func(c *apdu.Command) { c.P2 = 1 }), apdu.StatusWrongP1P2},
		{"personalization of nobody", sim.PersonalizeCommand(aid(sim.Purse, 9)), apdu.StatusNoData},
		{"personalization again", sim.PersonalizeCommand(aid(sim.Purse, 1)), apdu.StatusConditions},
		{"data for nobody", sim.StoreCommand(cps.Block{P1: 0x88, Data: []byte{1}}), apdu.StatusConditions},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := whole.like(t)
			d := w.domain(w.put(link.Contact))
			if _, err := d.Manage(background, tt.c); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if w.flash.commits != 0 {
				t.Error("something was committed")
			}
			if _, err := d.Manage(background, good()); err != nil {
				t.Errorf("the channel is broken: %v", err)
			}
		})
	}
}

// A personalization is all there or not at all, wherever it is torn.
func TestTornInstallation(t *testing.T) {
	b := readIssuer()
	data := b.applet(t, b.profile(sim.Purse, 1, 100, nil))
	ends := map[string]int{}
	whole := newWallet(t)
	for _, cut := range everyCut(2, 16) {
		w := whole.like(t)
		c := w.put(link.Contact)
		w.arm(c, cut)
		d, err := host.Open(background, c, issuerKeys(), seeded(8))
		if err == nil {
			err = d.Install(background, data)
		}
		if err == nil {
			ends["not torn"]++
			continue
		}
		w.reboot()
		list, err := w.device.List()
		switch {
		case err != nil:
			t.Fatalf("%v: %v", cut, err)
		case len(list) == 0:
			ends["nothing"]++
		case !list[0].Personalized:
			ends["registered"]++
		case list[0].Available == 100:
			ends["personalized"]++
		default:
			t.Errorf("%v: got %+v", cut, list)
		}
	}
	if ends["nothing"] == 0 || ends["registered"] == 0 || ends["personalized"] == 0 {
		t.Errorf("the cuts did not reach all ends: %v", ends)
	}
}

// Every security level opens a channel, and the data is the same through each.
func TestSecurityLevels(t *testing.T) {
	b := readIssuer()
	groups, err := cps.Encrypt(b.applet(t, b.profile(sim.Purse, 1, 100, nil)).Groups, issuerKeys().Encrypt)
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range []scp03.Level{0x01, 0x03, 0x11, 0x13, 0x33} {
		w := newWallet(t)
		x := openRaw(t, w.put(link.Contact), level)
		x.want(t, sim.InstallCommand(aid(sim.Purse, 1), sim.Purse, "CARD 1", 1), apdu.StatusOK)
		x.want(t, sim.PersonalizeCommand(aid(sim.Purse, 1)), apdu.StatusOK)
		blocks, err := cps.Blocks(groups, scp03.DataMaxEncrypted)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range blocks {
			x.want(t, sim.StoreCommand(block), apdu.StatusOK)
		}
		if r := x.want(t, sim.StatusCommand(true), apdu.StatusOK); len(r.Data) != 2+11+4+3 {
			t.Errorf("level %02X: % X", byte(level), r.Data)
		}
		if a := w.shown(aid(sim.Purse, 1)); a.Available != 100 {
			t.Errorf("level %02X: got %+v", byte(level), a)
		}
	}
}

// What management tools of others ask with GET STATUS.
func TestStatusOfOthersTools(t *testing.T) {
	w := newWallet(t, readIssuer().profile(sim.Purse, 1, 100, nil))
	c := w.put(link.Contact)
	if got, want := c.say(t, selectHex(0, isd)), "6F108408"+isd+"A5049F6501FF9000"; got != want {
		t.Errorf("SELECT: got %s, want %s", got, want)
	}
	x := openRaw(t, c, 0x01)
	purse := fmt.Sprintf("%X", aid(sim.Purse, 1))
	for _, tt := range []struct {
		name   string
		p1     byte
		data   string
		status apdu.Status
		want   string
	}{
		{"all", 0x40, "4F00", apdu.StatusOK, "E3124F09" + purse + "9F70010FC50100"},
		{"all tags listed", 0x40, "4F005C054F9F70C5CC", apdu.StatusOK, "E3124F09" + purse + "9F70010FC50100"},
		{"one tag", 0x40, "4F005C014F", apdu.StatusOK, "E30B4F09" + purse},
		{"an empty list", 0x40, "4F005C00", apdu.StatusOK, "E3124F09" + purse + "9F70010FC50100"},
		{"half a tag", 0x40, "4F005C029F704F", apdu.StatusWrongData, ""},
		{"the domain", 0x80, "4F005C054F9F70C5CC", apdu.StatusOK, "E3114F08" + isd + "9F70010FC50100"},
		{"load files", 0x20, "4F00", apdu.StatusNoData, ""},
		{"load files and modules", 0x10, "4F005C054F9F70C5CC", apdu.StatusNoData, ""},
		{"another P1", 0x01, "4F00", apdu.StatusWrongP1P2, ""},
		{"another object", 0x40, "4F005D00", apdu.StatusWrongData, ""},
	} {
		data, err := hex.DecodeString(tt.data)
		if err != nil {
			t.Fatal(err)
		}
		r := x.want(t, apdu.Command{CLA: 0x80, INS: 0xF2, P1: tt.p1, P2: 0x02, Data: data, Ne: 256}, tt.status)
		if got := fmt.Sprintf("%X", r.Data); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// raw is a channel whose every byte a test can bend.
type raw struct {
	cable *cable
	host  scp03.Host
}

func openRaw(t *testing.T, c *cable, level scp03.Level) *raw {
	t.Helper()
	if _, err := c.send(selectCommand([]byte("\xA0\x00\x00\x01\x51\x00\x00\x00"))); err != nil {
		t.Fatal(err)
	}
	challenge := [8]byte{1, 2, 3, 4, 5, 6, 7, byte(level)}
	r, err := c.send(scp03.InitializeUpdate(0, challenge))
	if err != nil {
		t.Fatal(err)
	}
	said, err := scp03.ParseAnswer(r)
	if err != nil {
		t.Fatal(err)
	}
	opening, command, err := scp03.Authenticate(issuerKeys(), challenge, said, level)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = c.send(command); err != nil {
		t.Fatal(err)
	}
	h, err := opening.Confirm(r)
	if err != nil {
		t.Fatal(err)
	}
	return &raw{c, h}
}

func (x *raw) want(t *testing.T, c apdu.Command, want apdu.Status) apdu.Response {
	t.Helper()
	h, wrapped, err := x.host.Wrap(c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := x.cable.send(wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if x.host, r, err = h.Unwrap(r); err != nil || r.Status != want {
		t.Errorf("%02X: got %v, %v; want %v", c.INS, r.Status, err, want)
	}
	return r
}

// Without a channel, with a wrong one, or with a bent command nothing is managed,
// and the channel closes.
func TestChannelRefusals(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 100, nil))
	remove := sim.DeleteCommand(aid(sim.Purse, 1))
	still := func(what string) {
		t.Helper()
		if _, err := w.device.Show(aid(sim.Purse, 1)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	c := w.put(link.Contact)
	if r, _ := c.send(remove); r.Status != apdu.StatusConditions {
		t.Errorf("nothing selected: got %v", r.Status)
	}
	if _, err := c.send(selectCommand(nil)); err != nil {
		t.Fatal(err)
	}
	if r, _ := c.send(remove); r.Status != apdu.StatusSecurity {
		t.Errorf("no channel: got %v", r.Status)
	}
	still("no channel")
	x := openRaw(t, c, 0x33)
	_, wrapped, err := x.host.Wrap(remove)
	if err != nil {
		t.Fatal(err)
	}
	bent := wrapped
	bent.Data = bytes.Clone(wrapped.Data)
	bent.Data[0] ^= 1
	if r, _ := c.send(bent); r.Status != apdu.StatusSecurity {
		t.Errorf("bent: got %v", r.Status)
	}
	if r, _ := c.send(wrapped); r.Status != apdu.StatusSecurity {
		t.Errorf("after it: got %v", r.Status)
	}
	still("bent")
	x = openRaw(t, c, 0x01)
	if r, _ := c.send(remove); r.Status != apdu.StatusSecurity {
		t.Errorf("in clear: got %v", r.Status)
	}
	if _, wrapped, err = x.host.Wrap(remove); err != nil {
		t.Fatal(err)
	}
	if r, _ := c.send(wrapped); r.Status != apdu.StatusSecurity {
		t.Errorf("after one in clear: got %v", r.Status)
	}
	still("in clear")
	x = openRaw(t, c, 0x01)
	if _, err := c.send(selectCommand([]byte("2PAY.SYS.DDF01"))); err != nil {
		t.Fatal(err)
	}
	if _, wrapped, err = x.host.Wrap(remove); err != nil {
		t.Fatal(err)
	}
	if r, _ := c.send(wrapped); r.Status != apdu.StatusConditions {
		t.Errorf("another file is selected: got %v", r.Status)
	}
	still("another file")
	wrong, err := sim.IssuerKeys(newKey(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := host.Open(background, w.put(link.Contact), wrong, seeded(3)); !errors.Is(err, scp03.ErrCard) {
		t.Errorf("wrong keys: got %v", err)
	}
}

// A key in clear, a block out of order, data that contradicts itself: the
// personalization ends, and the applet has no life.
func TestPersonalizationRefusals(t *testing.T) {
	b := readIssuer()
	data := b.applet(t, b.profile(sim.Purse, 1, 100, nil))
	hidden, err := cps.Encrypt(data.Groups, issuerKeys().Encrypt)
	if err != nil {
		t.Fatal(err)
	}
	cutOf := func(groups []cps.Group) []cps.Block {
		blocks, err := cps.Blocks(groups, 200)
		if err != nil {
			t.Fatal(err)
		}
		return blocks
	}
	other := b.applet(t, b.profile(sim.Purse, 2, 100, nil))
	otherHidden, err := cps.Encrypt(other.Groups, issuerKeys().Encrypt)
	if err != nil {
		t.Fatal(err)
	}
	narrow := b.profile(sim.Purse, 1, 100, func(p *cps.Profile) { p.Contact.CDOL1 = cdol1[1:] })
	narrowHidden, err := cps.Encrypt(b.applet(t, narrow).Groups, issuerKeys().Encrypt)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		blocks []cps.Block
	}{
		{"keys in clear", cutOf(data.Groups)},
		{"out of order", slices.Concat(cutOf(hidden)[1:2], cutOf(hidden)[2:])},
		{"another applet's name", cutOf(otherHidden)},
		{"a group too few", cutOf(hidden[1:])},
		{"a CDOL without the amount", cutOf(narrowHidden)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWallet(t)
			x := openRaw(t, w.put(link.Contact), 0x01)
			x.want(t, sim.InstallCommand(aid(sim.Purse, 1), sim.Purse, "CARD 1", 1), apdu.StatusOK)
			x.want(t, sim.PersonalizeCommand(aid(sim.Purse, 1)), apdu.StatusOK)
			for i, block := range tt.blocks {
				h, wrapped, err := x.host.Wrap(sim.StoreCommand(block))
				if err != nil {
					t.Fatal(err)
				}
				r, err := x.cable.send(wrapped)
				if err != nil {
					t.Fatal(err)
				}
				x.host, r, err = h.Unwrap(r)
				if err != nil {
					t.Fatal(err)
				}
				if !r.Status.OK() {
					break
				}
				if i == len(tt.blocks)-1 {
					t.Error("the last block was taken")
				}
			}
			if a := w.shown(aid(sim.Purse, 1)); a.Personalized {
				t.Errorf("got %+v", a)
			}
			if err := newTill(b).pay(w.put(link.Contactless), 1); !errors.Is(err, errNobody) {
				t.Errorf("got %v", err)
			}
		})
	}
}
