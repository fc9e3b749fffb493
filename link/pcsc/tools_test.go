package pcsc_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sotto/link"
	"sotto/link/pcsc/pcscdtest"
	"sotto/link/vpcd"
)

// Programs that anybody has talk to our chip.

func TestOpenscTool(t *testing.T) {
	t.Parallel()
	d := pcscdtest.Start(t)
	for i, way := range []link.Interface{link.Contactless, link.Contact} {
		slot := d.Slots[i]
		insert(t, slot, &chip{}, vpcd.Options{Interface: way})
		waitFor(t, d, slot)
		said, err := d.Command("opensc-tool", "--reader", slot.Reader, "--atr",
			"--send-apdu", "00A4040006F0736F74746F00", "--send-apdu", "801000000301020300").CombinedOutput()
		atr := map[link.Interface]string{link.Contactless: "3b:80:80:01:01", link.Contact: "3b:e0:00:ff:81:31:fe:45:14"}
		for _, want := range []string{atr[way], "SW1=0x90, SW2=0x00):\n6F 00", "SW1=0x90, SW2=0x00):\n01 02 03"} {
			if err != nil || !strings.Contains(string(said), want) {
				t.Errorf("%v: %v, want %q in\n%s", way, err, want, said)
			}
		}
	}
}

func TestScriptor(t *testing.T) {
	t.Parallel()
	d := pcscdtest.Start(t)
	slot := d.Slots[0]
	insert(t, slot, &chip{}, vpcd.Options{})
	waitFor(t, d, slot)
	cmd := d.Command("scriptor", "-r", slot.Reader)
	cmd.Stdin = strings.NewReader("00 A4 04 00 06 F0 73 6F 74 74 6F 00\n80 10 00 00 03 01 02 03 00\n")
	said, err := cmd.CombinedOutput()
	for _, want := range []string{"< 6F 00 90 00", "< 01 02 03 90 00"} {
		if err != nil || !strings.Contains(string(said), want) {
			t.Errorf("%v, want %q in\n%s", err, want, said)
		}
	}
}

func TestPcscScan(t *testing.T) {
	t.Parallel()
	d := pcscdtest.Start(t)
	insert(t, d.Slots[0], &chip{}, vpcd.Options{Interface: link.Contact})
	waitFor(t, d, d.Slots[0])
	cmd := d.Command("pcsc_scan", "-n") // it runs until it is ended
	said := make(lines, 1)
	cmd.Stdout = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	want, all, deadline := "ATR: 3B E0 00 FF 81 31 FE 45 14", "", time.After(20*time.Second)
	for !strings.Contains(all, want) {
		select {
		case b := <-said:
			all += string(b)
		case <-deadline:
			t.Fatalf("want %q in\n%s", want, all)
		}
	}
	_ = cmd.Process.Kill()
	go func() { // whatever it still says
		for range said {
		}
	}()
	_ = cmd.Wait()
	close(said)
}

type lines chan []byte

func (l lines) Write(b []byte) (int, error) {
	l <- bytes.Clone(b)
	return len(b), nil
}

// waitFor waits until pcscd has seen the chip, which takes it up to 0.4 s.
func waitFor(t *testing.T, d *pcscdtest.Daemon, slot pcscdtest.Slot) {
	t.Helper()
	if err := connect(t, d, slot.Reader).Close(); err != nil {
		t.Error(err)
	}
}
