package bankhttp

import (
	"encoding/hex"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sotto/bankapi"
	"sotto/emv"
	"sotto/ident"
)

// Every example of a request is read as such, and every id and bit of chip data
// in any example is well-formed.
func TestExamplesAreValid(t *testing.T) {
	for _, rt := range table() {
		if rt.out == nil || examples[rt.out] == nil || rt.in != nil && examples[rt.in] == nil {
			t.Errorf("%s %s has no example", rt.method, rt.path)
		}
	}
	id := regexp.MustCompile(`:"(acct|mer|card|ph|bind|pay|tr|wh|key|app|load)_[^".|]*`)
	for kind, v := range examples {
		body, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range id.FindAllString(string(body), -1) {
			prefix, _, _ := strings.Cut(text[2:], "_")
			if _, err := ident.Parse(ident.Kind(prefix), text[2:]); err != nil {
				t.Errorf("%s: %s is no id", kind, text)
			}
		}
	}
	for _, v := range append(exampleRequests(), exampleTapRequests()...) {
		body, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		into := reflect.New(reflect.TypeOf(v)).Interface()
		if a, ok := shapeOf(reflect.TypeOf(v)).check(body); !ok || json.Unmarshal(body, into) != nil {
			t.Errorf("%T is not read: %s", v, a.Body)
		}
	}
	for _, v := range append(exampleAnswers(), exampleTapAnswers()...) { // whose cursors go back into queries
		switch v := v.(type) {
		case bankapi.TapRecord:
			if !isTap(v.ID) {
				t.Errorf("%s is no tap", v.ID)
			}
		case bankapi.Batch:
			if !isBatch(v.ID) {
				t.Errorf("%s is no batch", v.ID)
			}
		}
	}
	for text, want := range map[string]struct {
		kind   emv.CID
		what   byte
		amount int64
	}{exampleTC: {emv.TC, 0, 1250}, exampleARQC: {emv.ARQC, 0, 68_000}, exampleInquiryARQC: {emv.ARQC, 0x31, 0},
		exampleLoadARQC: {emv.ARQC, 0x63, 30_000}, exampleLater: {emv.AAC, 0, 0}} {
		d, err := bankapi.ParseChipData(text)
		if err != nil {
			t.Error(err)
			continue
		}
		amount, err := d.Input.Amount.Minor()
		if err != nil || amount != want.amount || d.CID != want.kind || d.Input.Type != want.what || !d.PAN.Luhn() {
			t.Errorf("got %+v, want %+v, %v", d, want, err)
		}
	}
	for _, script := range []string{"7211860f04da9f790a0000000787505c3d1e2f", "7211860f04da9f5d0a0000000320009e84b7d1", "7211860f04da9f5d0a00000013200061d4a80c"} {
		raw, err := hex.DecodeString(script)
		if _, bad := emv.ParseScript(raw); err != nil || bad != nil {
			t.Errorf("%s: %v %v", script, err, bad)
		}
	}
}

// Each operation shows what it leaves, and not what was there before.
func TestExamplesShowWhatTheOperationDoes(t *testing.T) {
	for id, want := range map[string]string{
		"createPayment": `"status":"awaiting_code"`, "confirmPayment": `"captured":12800`, "cancelPayment": `"status":"canceled"`,
		"capturePayment": `"captured":12800`, "refundPayment": `"refunded":2800`, "resendCode": `"delivery":"sending"`,
		"blockCard": `"status":"blocked"`, "unblockCard": `"status":"active"`, "revokePhone": `"status":"revoked"`,
		"bind": `"status":"pending"`, "confirmBinding": `"status":"confirmed"`, "revokeBinding": `"status":"revoked"`,
		"blockApplet": `"status":"blocked"`, "unblockApplet": `"status":"active"`, "resolveLoad": `"status":"completed"`,
		"createLoad": `"status":"in_flight"`,
	} {
		found := false
		for _, rt := range table() {
			if rt.id != id {
				continue
			}
			found = true
			if body, err := json.Marshal(rt.example()); err != nil || !strings.Contains(string(body), want) {
				t.Errorf("%s: got %s, want %s", id, body, want)
			}
		}
		if !found {
			t.Errorf("there is no operation %s", id)
		}
	}
	for id := range exampleAfter {
		if !slices.ContainsFunc(table(), func(rt *route) bool { return rt.id == id }) {
			t.Errorf("an example for %s, which is no operation", id)
		}
	}
}
