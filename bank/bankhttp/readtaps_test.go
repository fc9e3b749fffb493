package bankhttp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/secret"
)

// wholeUpload is as many taps as go into one.
func wholeUpload(t testing.TB) []byte {
	t.Helper()
	in := bankapi.PostTaps{Terminal: "TILL1", Batch: 7}
	for i := range bankapi.TapsMax {
		in.Taps = append(in.Taps, bankapi.Tap{Reference: fmt.Sprintf("%06d", i), Amount: 1250, Currency: "CNY", ChipData: exampleTC})
	}
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestTheQuickReaderReadsWhatTerminalsWrite(t *testing.T) {
	body := wholeUpload(t)
	var indent bytes.Buffer
	if err := json.Indent(&indent, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	var want bankapi.PostTaps
	if err := json.Unmarshal(body, &want); err != nil {
		t.Fatal(err)
	}
	for _, body := range [][]byte{body, indent.Bytes()} {
		if got, ok := readTaps(body); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %.200v", ok, got)
		}
	}
}

// FuzzReadTaps: what the quick reader accepts, the strict one accepts, and reads
// alike. And the strict one itself, which looks into the list of taps: what it
// accepts has no name twice or unknown in any tap.
func FuzzReadTaps(f *testing.F) {
	for _, seed := range []string{
		`{"terminal":"T","batch":1,"taps":[{"reference":"r","amount":1,"currency":"CNY","chip_data":"5A00"}]}`,
		` { "taps" : [ ] , "batch" : -1 } `, `{}`, `{"taps":[{},{}]}`, `{"taps":[{"amount":1,"amount":2}]}`, `{"taps":[],"taps":[]}`,
		`{"taps":[null]}`, `{"taps":null}`, `{"taps":[{"amount":01}]}`, `{"taps":[{"amount":1.5}]}`, `{"taps":[{"amount":-0}]}`,
		`{"taps":[{"amount":123456789012345678}]}`, `{"taps":[{"amount":1234567890123456789}]}`, `{"taps":[{"reference":"a\"b\u0041"}]}`,
		"{\"terminal\":\"\xff\"}", "{\"terminal\":\"\x01\"}", `{"TERMINAL":"x"}`, `{"taps":[{"tip":[{"a":"]}"}]}]}`, `{"taps":[{}],}`, `{"batch":1}x`,
		`{"taps":[{"amount":"1"}]}`, `{"taps":{}}`, `{"taps":[[]]}`, `{"taps":[{}{}]}`, `{"batch" 1}`, `{"terminal":"é"}`,
	} {
		f.Add([]byte(seed))
	}
	s := shapeOf(reflect.TypeFor[bankapi.PostTaps]())
	f.Fuzz(func(t *testing.T, body []byte) {
		quick, understood := readTaps(body)
		strict, a, ok := decode[bankapi.PostTaps](body, s)
		if understood && (!ok || !reflect.DeepEqual(quick, strict)) {
			t.Fatalf("%q is read as %+v, and strictly as %+v, %s", body, quick, strict, a.Body)
		}
		if !ok {
			if p := a.Problem(); p == nil || p.Reason() != bankapi.Malformed && p.Reason() != bankapi.Invalid {
				t.Fatalf("refused with %s", a.Body)
			}
			return
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		var want bankapi.PostTaps
		if err := d.Decode(&want); err != nil || !reflect.DeepEqual(strict, want) {
			t.Fatalf("accepted %q: got %+v, want %+v, %v", body, strict, want, err)
		}
		if name := repeated(t, body); name != "" {
			t.Fatalf("accepted %q with name %q twice", body, name)
		}
	})
}

// repeated is a name that occurs twice in one object of valid JSON, found by
// tokens.
func repeated(t *testing.T, body []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	var names []map[string]bool // of the objects around; nil is a list
	isName := false
	for {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		inside := len(names) > 0 && names[len(names)-1] != nil
		switch v := token.(type) {
		case json.Delim:
			switch v {
			case '{':
				names = append(names, map[string]bool{})
				isName = true
				continue
			case '[':
				names = append(names, nil)
				continue
			}
			names = names[:len(names)-1]
			isName = true
		case string:
			if inside && isName {
				if names[len(names)-1][v] {
					return v
				}
				names[len(names)-1][v] = true
				isName = false
				continue
			}
			isName = true
		default:
			isName = true
		}
	}
}

// BenchmarkPostTaps is what an upload of 500 taps costs before it reaches the
// committer, by its parts.
func BenchmarkPostTaps(b *testing.B) {
	body := wholeUpload(b)
	s := shapeOf(reflect.TypeFor[bankapi.PostTaps]())
	root := secret.New(make([]byte, 32))
	keys := bank.NewKeys(bank.Secrets{PANLookup: root, AppletAC: root, AppletMAC: root, AppletENC: root})
	in, ok := readTaps(body)
	if !ok {
		b.Fatal("the quick reader does not read it")
	}
	for _, part := range []struct {
		name string
		do   func()
	}{
		{"strict", func() { decode[bankapi.PostTaps](body, s) }},
		{"quick", func() { readTaps(body) }},
		{"chipdata", func() {
			for i := range in.Taps {
				if _, err := bankapi.ParseChipData(in.Taps[i].ChipData); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{"verify", func() { keys.NewPostTaps(in) }},
	} {
		b.Run(part.name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				part.do()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/bankapi.TapsMax, "µs/tap")
		})
	}
}
