package lab

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/phone"
	"sotto/phone/vault"
	"sotto/secret"
)

// Loot is all that a thief has who holds the phone, unlocked and rooted: what is
// on its screen, in its log and on its disk, and the last code that came to it,
// sealed. Keys are counted and not shown: the page is not the thief's.
type Loot struct {
	Screen string   `json:"screen"`
	Log    []string `json:"log"`
	Files  []File   `json:"files"`
	Sealed *Sealed  `json:"sealed"` // nil until a code has come
}

// File is one file on the phone.
type File struct {
	Name  string   `json:"name"`
	Mode  string   `json:"mode"`
	Size  int64    `json:"size"`
	Holds []string `json:"holds"` // fields; secrets are named, and not shown
}

// Sealed is the last code as it lies on the phone, and what every key on the
// phone does to it.
type Sealed struct {
	Hex  string `json:"hex"`
	Keys []Try  `json:"keys"`
	// Opened counts the tries that opened it.
	Opened int `json:"opened"`
}

// Try is one key against one message, in every way there is to use it.
type Try struct {
	Key    string `json:"key"`
	Ways   int    `json:"ways"`
	Opened int    `json:"opened"`
}

// loot gathers it as a thief would: from the files, and from the wire.
func (l *Lab) loot() *Loot {
	l.mu.Lock()
	sealed := slices.Clone(l.world.sealed)
	l.mu.Unlock()
	out := &Loot{
		Screen: l.phone.phone.Screen(), Log: l.phone.log.read(), Files: filesOf(l.phone.dir),
	}
	id, bindings, err := vault.Peek(l.phone.dir)
	if d, bad := bankapi.ParseDispatch(sealed); bad == nil && err == nil {
		out.Sealed = tryAll(keysOf(id, bindings), d, id)
	}
	return out
}

// key is a secret found on the phone.
type key struct {
	name string
	secret.Secret
}

func keysOf(id vault.Identity, bindings map[string]phone.Binding) []key {
	keys := []key{
		{"phone-key", id.Key}, {"bus-seed", id.Seed}, {"key-source", secret.New(id.KeySource[:])},
	}
	for _, b := range bindings {
		for _, p := range []phone.Pairing{b.Active, b.Pending} {
			if !p.None() {
				keys = append(keys, key{"pairing", p.Secret})
			}
		}
	}
	return keys
}

// tryAll tries every key on the code inside a dispatch.
func tryAll(keys []key, d bankapi.Dispatch, id vault.Identity) *Sealed {
	out := &Sealed{Hex: hex.EncodeToString(d.Body), Keys: []Try{}}
	for _, k := range keys {
		t := Try{Key: k.name}
		for _, way := range ways {
			t.Ways++
			if way(k.Secret, d, id) {
				t.Opened++
			}
		}
		out.Opened += t.Opened
		out.Keys = append(out.Keys, t)
	}
	return out
}

// ways are what can be done with a key and a sealed code: take the key for the
// card's root key, for the one it encrypts with, for the pairing secret, and for
// the key between bank and phone. Each reports whether the seal opened.
var ways = []func(k secret.Secret, d bankapi.Dispatch, id vault.Identity) bool{
	func(k secret.Secret, d bankapi.Dispatch, _ vault.Identity) bool {
		card, message, part, ok := insides(d)
		if !ok {
			return false
		}
		_, err := dyncode.NewInner(k, card).Open(nil, dyncode.Profile(d.Profile), message, part)
		return err == nil
	},
	func(k secret.Secret, d bankapi.Dispatch, _ vault.Identity) bool { return openRaw(k, d) },
	func(k secret.Secret, d bankapi.Dispatch, id vault.Identity) bool {
		card, message, part, ok := insides(d)
		from, err := ident.Parse(ident.Phone, id.Phone)
		if !ok || err != nil {
			return false
		}
		_, err = dyncode.NewOuter(k, card, from, id.KeySource).Open(nil, dyncode.Message{
			Profile: dyncode.Profile(d.Profile), ID: message, Counter: part.Counter, Sealed: part.Sealed,
		})
		return err == nil
	},
	func(k secret.Secret, d bankapi.Dispatch, id vault.Identity) bool {
		card, message, _, ok := insides(d)
		to, err := ident.Parse(ident.Phone, id.Phone)
		if !ok || err != nil {
			return false
		}
		_, err = dyncode.NewBox(k, to).Open(card, message, d.Body)
		return err == nil
	},
}

func insides(d bankapi.Dispatch) (card, message ident.Raw, part dyncode.BankPart, ok bool) {
	card, err1 := ident.Parse(ident.Card, d.Card)
	message, err2 := ident.Parse(ident.Dispatch, d.ID)
	part, err3 := dyncode.ParseBankPart(d.Body)
	return card, message, part, err1 == nil && err2 == nil && err3 == nil && part.Sealed != nil
}

// openRaw is AES-256-GCM with nonce and associated data as they stand in
// docs/protocol/dynamic-data.md, under the key as it is.
func openRaw(k secret.Secret, d bankapi.Dispatch) bool {
	card, message, part, ok := insides(d)
	if !ok {
		return false
	}
	block, err := aes.NewCipher(k.Reveal())
	if err != nil {
		return false
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return false
	}
	nonce := binary.BigEndian.AppendUint64([]byte("bank"), part.Counter)
	ad := slices.Concat([]byte{dyncode.Version, d.Profile}, card[:], message[:])
	_, err = aead.Open(nil, nonce, part.Sealed, ad)
	return err == nil
}

// filesOf lists a phone's folder. Of the contents it tells the names of the
// fields alone.
func filesOf(dir string) []File {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return []File{}
	}
	out := []File{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		out = append(out, File{Name: e.Name(), Mode: modeOf(info), Size: info.Size(), Holds: fieldsOf(filepath.Join(dir, e.Name()))})
	}
	return out
}

func modeOf(info fs.FileInfo) string { return info.Mode().Perm().String() }

// fieldsOf names the fields of a file, those inside others after a full stop.
func fieldsOf(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return []string{}
	}
	defer clear(text)
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return namesIn("", line)
}

func namesIn(prefix string, object []byte) []string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil {
		return []string{}
	}
	out := []string{}
	for name, value := range fields {
		if below := namesIn(prefix+name+".", value); len(below) > 0 {
			out = append(out, below...)
		} else {
			out = append(out, prefix+name)
		}
		clear(value)
	}
	slices.Sort(out)
	return out
}
