package sim_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sotto/apdu"
	"sotto/emv/cps"
	"sotto/link"
	"sotto/sim"
)

// populated is a device with some of everything. Its keys are other ones than
// those of the transcripts, in which the bank itself is heard.
func populated(t testing.TB) *wallet {
	t.Helper()
	b := readIssuer()
	other := func(p *cps.Profile) { p.PSN = 0x02 }
	return newWallet(t,
		b.profile(sim.Purse, 1, 500, other),
		b.profile(sim.Purse, 2, 20_000, func(p *cps.Profile) { p.PSN, p.Reserve = 0x02, amount(1_000) }),
		b.profile(sim.Account, 3, 7_000, other))
}

// commandsOf are the commands of a transcript.
func commandsOf(t testing.TB, path string) (commands [][]byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "> ") {
			continue
		}
		digits, _, _ := strings.Cut(line[2:], "  ")
		b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(digits), " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		commands = append(commands, b)
	}
	return commands
}

// packed is a sequence of commands as the fuzzer bends it: each with two bytes of
// length in front.
func packed(commands [][]byte) (b []byte) {
	for _, c := range commands {
		b = append(b, byte(len(c)>>8), byte(len(c)))
		b = append(b, c...)
	}
	return b
}

func unpacked(b []byte) (commands [][]byte) {
	for len(b) >= 2 && len(commands) < 40 {
		n := min(int(b[0])<<8|int(b[1]), len(b)-2)
		commands = append(commands, b[2:2+n])
		b = b[2+n:]
	}
	return commands
}

// total is all the money on the device.
func (w *wallet) total() (sum int64) {
	w.t.Helper()
	list, err := w.device.List()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range list {
		sum += a.Available
	}
	return sum
}

// FuzzTransmit: whatever is said to a device, in whatever order, by somebody who
// has no keys, it answers with a proper status word, does not panic, a refusal
// commits nothing but a failed script, nothing ever grows, and it starts again.
func FuzzTransmit(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.apdu")
	if err != nil || len(paths) == 0 {
		f.Fatal(paths, err)
	}
	for _, path := range paths {
		f.Add(false, packed(commandsOf(f, path)))
		f.Add(true, packed(commandsOf(f, path)))
	}
	manage, _ := hex.DecodeString("00A4040000")
	update, _ := hex.DecodeString("8050000008000102030405060700")
	status, _ := hex.DecodeString("84F24002024F0000")
	f.Add(true, packed([][]byte{manage, update, status, {0x80, 0xE2, 0x88, 0, 1, 0}, {0, 0xC0, 0, 0, 0}, {}, {0}, {0xFF, 0xCA, 0, 0, 0}}))
	whole := populated(f)
	f.Fuzz(func(t *testing.T, contact bool, b []byte) {
		w := whole.like(t)
		face := link.Contactless
		if contact {
			face = link.Contact
		}
		w.device.Reset(face)
		before := w.total()
		for _, command := range unpacked(b) {
			w.hostile(t, command)
		}
		if got := w.total(); got > before {
			t.Errorf("there were %d, and there are %d", before, got)
		}
		w.reboot()
		if list, err := w.device.List(); err != nil || len(list) != 3 {
			t.Errorf("%d applets, %v", len(list), err)
		}
	})
}

// hostile sends one command and looks at what any answer must keep to.
func (w *wallet) hostile(t testing.TB, command []byte) {
	t.Helper()
	commits, kept := w.flash.commits, bytes.Clone(command)
	raw := w.device.Transmit(command)
	r, err := apdu.ParseResponse(raw)
	if err != nil {
		t.Fatalf("% X: % X is no response", command, raw)
	}
	if !bytes.Equal(command, kept) {
		t.Fatal("the command was written to")
	}
	_, more := r.Status.BytesLeft()
	refusal := !r.Status.OK() && !r.Status.Warning() && !more
	script := len(command) > 1 && (command[1] == 0xDA || command[1] == 0x1E || command[1] == 0x18)
	if refusal && !script && w.flash.commits != commits {
		t.Errorf("% X: %v, and something was committed", command, r.Status)
	}
	if c, err := apdu.Parse(command); err == nil && len(r.Data) > c.Ne {
		t.Errorf("% X: %d bytes for Ne %d", command, len(r.Data), c.Ne)
	}
}

// Every class and instruction, in every file, gets an answer.
func TestEveryInstruction(t *testing.T) {
	w := populated(t)
	before := w.total()
	files := [][]byte{nil, []byte("2PAY.SYS.DDF01"), []byte("1PAY.SYS.DDF01"), []byte("\xA0\x00\x00\x01\x51\x00\x00\x00"), aid(sim.Purse, 2), aid(sim.Account, 3)}
	seen := map[apdu.Status]int{}
	for _, face := range []link.Interface{link.Contactless, link.Contact} {
		for _, file := range files {
			for header := range 1 << 16 {
				class, ins := byte(header>>8), byte(header)
				if class > 0x04 && class < 0x7F && class&0x0F != 0 && class != 0x0C {
					continue // much of the same
				}
				w.device.Reset(face)
				if file != nil {
					w.device.Transmit(selectCommand(file).Bytes())
				}
				command := []byte{class, ins, 0, 0, 1, 0, 0}
				w.hostile(t, command)
				if ins%8 == 2 {
					r := w.device.Transmit(command)
					seen[apdu.Status(r[len(r)-2])<<8|apdu.Status(r[len(r)-1])]++
				}
			}
		}
	}
	for _, want := range []apdu.Status{apdu.StatusWrongINS, apdu.StatusWrongCLA, apdu.StatusNoChannel, apdu.StatusNoChaining, apdu.StatusNoSecureMessaging} {
		if seen[want] == 0 {
			t.Errorf("never %v", want)
		}
	}
	if got := w.total(); got != before {
		t.Errorf("there were %d, and there are %d", before, got)
	}
}

// Commands that are no commands.
func TestMalformedCommands(t *testing.T) {
	w := populated(t)
	tests := []struct{ command, want string }{
		{"", "6700"},
		{"00", "6700"},
		{"00A404", "6700"},
		{"00A4040005AABB", "6700"},
		{"00A4040000000000", "6700"},
		{"FFCA000000", "6E00"},
		{"00C0000000", "6985"},
		{"00C00000", "6700"},
		{"00C0010000", "6A86"},
		{"01A4040000", "6881"},
		{"40A4040000", "6881"},
		{"10A4040000", "6884"},
		{"0CA4040000", "6882"},
		{"20A4040000", "6E00"},
		{"81CA9F7900", "6E00"},
		{"00FF0000", "6D00"},
	}
	for _, tt := range tests {
		w.device.Reset(link.Contact)
		c := &cable{device: w.device}
		if got := c.say(t, tt.command); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.command, got, tt.want)
		}
	}
	// Extended lengths are commands like others.
	c := w.put(link.Contact)
	name := fmt.Sprintf("%X", aid(sim.Purse, 1))
	if got := c.say(t, "00A40400000009"+name+"0000"); !strings.HasPrefix(got, "6F") {
		t.Errorf("extended: got %s", got)
	}
	// A response that is longer than was asked for waits for GET RESPONSE.
	if got := c.say(t, "00A4040009"+name); got[:2] != "61" {
		t.Errorf("without Le: got %s", got)
	}
	if got := c.say(t, "00C0000005"); len(got) != 14 || got[:2] != "6F" || got[10:12] != "61" {
		t.Errorf("five bytes: got %s", got)
	}
	if got := c.say(t, "00C0000000"); !strings.HasSuffix(got, "9000") {
		t.Errorf("the rest: got %s", got)
	}
	if got := c.say(t, "00C0000000"); got != "6985" {
		t.Errorf("nothing more: got %s", got)
	}
}

// FuzzManage: whatever somebody who has the issuer's keys sends in his channel,
// the device does not panic and starts again. He may delete and lock, but makes
// no money.
func FuzzManage(f *testing.F) {
	b := readIssuer()
	data := b.applet(f, b.profile(sim.Purse, 9, 1, nil))
	groups, err := cps.Encrypt(data.Groups, issuerKeys().Encrypt)
	if err != nil {
		f.Fatal(err)
	}
	blocks, err := cps.Blocks(groups, 230)
	if err != nil {
		f.Fatal(err)
	}
	seed := [][]byte{
		sim.InstallCommand(data.AID, data.Kind, data.Label, data.Priority).Bytes(),
		sim.PersonalizeCommand(data.AID).Bytes(),
	}
	for _, block := range blocks {
		seed = append(seed, sim.StoreCommand(block).Bytes())
	}
	f.Add(packed(seed))
	f.Add(packed([][]byte{
		sim.StatusCommand(true).Bytes(), sim.StatusCommand(false).Bytes(), sim.LockCommand(aid(sim.Purse, 1), true).Bytes(),
		sim.DeleteCommand(aid(sim.Purse, 1)).Bytes(), sim.DeleteCommand(nil).Bytes(),
	}))
	whole := populated(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		w := whole.like(t)
		w.trace = nil
		before := w.total()
		d := w.domain(w.put(link.Contact))
		for _, command := range unpacked(b) {
			c, err := apdu.Parse(command)
			if err != nil {
				continue
			}
			c.CLA = 0x80
			_, _ = d.Manage(background, c) // what cannot be sent is not
		}
		w.reboot()
		// The seed's own applet may have come, with its one cent.
		if got := w.total(); got > before+1 {
			t.Errorf("there were %d, and there are %d", before, got)
		}
	})
}
