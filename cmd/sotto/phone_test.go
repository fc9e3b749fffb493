package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/secret"
)

const testPhone = "ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0C"

func phoneRun(t *testing.T, in string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), append([]string{"phone"}, args...), strings.NewReader(in), &o, &e)
	return o.String(), e.String(), code
}

// ticketOffice redeems every ticket and remembers the last key source.
func ticketOffice(t *testing.T) (ticket string, digest *[]byte) {
	t.Helper()
	digest = new([]byte)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in bankapi.EnrolPhone
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		*digest, _ = base64.StdEncoding.DecodeString(in.KeySource)
		box, _ := base64.StdEncoding.DecodeString(in.BoxKey)
		sealed, err := bankapi.SealPhoneKey(box, testPhone, secret.New(make([]byte, 32)))
		if err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode(bankapi.Enrolment{
			Phone: testPhone, Bus: "tls://127.0.0.1:4222", PhoneKey: base64.StdEncoding.EncodeToString(sealed),
		})
	}))
	t.Cleanup(server.Close)
	ticket, err := bankapi.Ticket{URL: server.URL, Phone: testPhone, Secret: secret.New(make([]byte, 32))}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return ticket, digest
}

// Each choice of key-source data (A3) is what the bank is told the digest of,
// and neither data nor digest is printed.
func TestPhoneKeySource(t *testing.T) {
	ticket, told := ticketOffice(t)
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	account, finger, face := file("account", "datum"), file("finger", "ridges"), file("face", "cheeks")
	all := dyncode.KeySource{Device: []byte("356938035643809"), Account: []byte("datum"), Fingerprint: []byte("ridges"), Face: []byte("cheeks")}
	cases := []struct {
		source string
		want   dyncode.KeySource
	}{
		{"device", dyncode.KeySource{Device: all.Device}},
		{"account=" + account, dyncode.KeySource{Account: all.Account}},
		{"finger=" + finger, dyncode.KeySource{Fingerprint: all.Fingerprint}},
		{"face=" + face, dyncode.KeySource{Face: all.Face}},
		{"face=" + face + ",device", dyncode.KeySource{Device: all.Device, Face: all.Face}},
		{"device,account=" + account + ",finger=" + finger + ",face=" + face, all},
	}
	for i, c := range cases {
		state := filepath.Join(dir, "phone", string(rune('a'+i)))
		out, errOut, code := phoneRun(t, ticket+"\n", "enrol", "--state", state, "--ticket", "-",
			"--key-source", c.source, "--device-id", "356938035643809")
		want, err := c.want.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if code != 0 || !bytes.Equal(*told, want[:]) {
			t.Errorf("%s: another digest, code %d: %s", c.source, code, errOut)
		}
		if out != "enrolled "+testPhone+"\n" || errOut != "" {
			t.Errorf("%s: printed %q and %q, want the id alone", c.source, out, errOut)
		}
	}
}

// Without --device-id each phone draws its own.
func TestPhoneDrawsDeviceID(t *testing.T) {
	ticket, told := ticketOffice(t)
	seen := map[string]bool{}
	for _, name := range []string{"a", "b"} {
		if _, errOut, code := phoneRun(t, "", "enrol", "--state", filepath.Join(t.TempDir(), name), "--ticket", ticket); code != 0 {
			t.Fatal(errOut)
		}
		seen[string(*told)] = true
	}
	if len(seen) != 2 {
		t.Error("two phones have one device identifier")
	}
}

func TestPhoneShow(t *testing.T) {
	ticket, _ := ticketOffice(t)
	state := filepath.Join(t.TempDir(), "phone")
	if _, errOut, code := phoneRun(t, "", "enrol", "--state", state, "--ticket", ticket); code != 0 {
		t.Fatal(errOut)
	}
	out, errOut, code := phoneRun(t, "", "show", "--state", state)
	if code != 0 || !strings.HasPrefix(out, "phone "+testPhone+"\nbank http://127.0.0.1:") || strings.Count(out, "\n") != 2 {
		t.Errorf("got %q, %s; want phone and bank alone", out, errOut)
	}
}

// A wrong word on the command line spends no ticket, and the error names the
// next step.
func TestPhoneMistakes(t *testing.T) {
	ticket, told := ticketOffice(t)
	dir := t.TempDir()
	used, wide := filepath.Join(dir, "used"), filepath.Join(dir, "wide")
	if _, errOut, code := phoneRun(t, "", "enrol", "--state", used, "--ticket", ticket); code != 0 {
		t.Fatal(errOut)
	}
	if err := os.Mkdir(wide, 0o755); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, dyncode.KeySourceItemMax+1), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(dir, "fresh")
	*told = nil
	cases := []struct {
		name string
		args []string
		want string
	}{
		{"no ticket", []string{"enrol", "--state", fresh, "--ticket", "hello"}, "copy the whole text from the bank's answer"},
		{"a folder in use", []string{"enrol", "--state", used, "--ticket", ticket}, "choose another folder with --state"},
		{"a folder open to others", []string{"enrol", "--state", wide, "--ticket", ticket}, "run 'chmod 700 " + wide + "'"},
		{"an unknown key source", []string{"enrol", "--state", fresh, "--ticket", ticket, "--key-source", "voice=x"}, "choose of device, account, finger, face"},
		{"a key source twice", []string{"enrol", "--state", fresh, "--ticket", ticket, "--key-source", "device,device"}, "give it once"},
		{"no file", []string{"enrol", "--state", fresh, "--ticket", ticket, "--key-source", "face"}, "read the key source face"},
		{"a file for the device", []string{"enrol", "--state", fresh, "--ticket", ticket, "--key-source", "device=x"}, "give --device-id"},
		{"a file that is too large", []string{"enrol", "--state", fresh, "--ticket", ticket, "--key-source", "face=" + large}, "1 to 16000 bytes"},
		{"run before enrol", []string{"run", "--state", fresh}, "run 'sotto phone enrol"},
		{"show before enrol", []string{"show", "--state", fresh}, "run 'sotto phone enrol"},
		{"a card that is none", []string{"run", "--state", used, "--card", "visa=127.0.0.1:1"}, "give --card CARD=HOST:PORT"},
	}
	for _, c := range cases {
		out, errOut, code := phoneRun(t, "", c.args...)
		if code == 0 || out != "" || !strings.Contains(errOut, c.want) || strings.Count(strings.TrimSpace(errOut), "\n") != 0 {
			t.Errorf("%s: code %d, printed %q, said %q; want one line with %q", c.name, code, out, errOut, c.want)
		}
	}
	if *told != nil {
		t.Error("a ticket was spent")
	}
}

// Help of every phone command has an example.
func TestPhoneHelp(t *testing.T) {
	for _, command := range []string{"enrol", "run", "show"} {
		out, _, code := phoneRun(t, "", command, "--help")
		if code != 0 || !strings.Contains(out, "Example:") || !strings.Contains(out, "sotto phone "+command+" --state") {
			t.Errorf("%s: code %d, no example in\n%s", command, code, out)
		}
	}
}
