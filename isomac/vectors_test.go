package isomac_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sotto/isomac"
)

func TestVectors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "mac.txt"))
	if err != nil {
		t.Fatal(err)
	}
	checked := map[string]int{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 4 {
			t.Fatalf("not a vector: %s", line)
		}
		got := mac(t, fields[0], unhex(t, fields[1]), unhex(t, strings.TrimPrefix(fields[2], "-")))
		if want := unhex(t, fields[3]); !bytes.Equal(got, want) {
			t.Errorf("%s\ngot %x", line, got)
		}
		checked[fields[0]]++
	}
	if len(checked) != 5 {
		t.Errorf("looked only at %v", checked)
	}
}

func mac(t *testing.T, algorithm string, key, message []byte) []byte {
	t.Helper()
	switch algorithm {
	case "retail":
		return retail([16]byte(key), message)
	case "retail-1":
		return retail([16]byte(key), isomac.Pad1(message, 8))
	case "retail-2":
		return retail([16]byte(key), isomac.Pad2(message, 8))
	case "aes":
		return isomac.CMAC(must(aes.NewCipher(key)), message)
	case "tdes":
		return isomac.CMAC(must(des.NewTripleDESCipher(key)), message)
	}
	t.Fatalf("no algorithm %s", algorithm)
	return nil
}

func retail(key [16]byte, padded []byte) []byte {
	mac := isomac.Retail(key, padded)
	return mac[:]
}

func must(b cipher.Block, err error) cipher.Block {
	if err != nil {
		panic(err)
	}
	return b
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
