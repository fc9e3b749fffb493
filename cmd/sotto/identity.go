package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// newIdentity makes an age identity file as age-keygen writes it. It never
// overwrites one.
func newIdentity(path string) error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("draw a key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make the key file: %w", err)
	}
	_, err = fmt.Fprintf(f, "# public key: %s\n%s\n", identity.Recipient(), identity)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	return nil
}

// readIdentities reads what newIdentity made; maker is the command that does.
func readIdentities(path, maker string) ([]age.Identity, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the identity: %w; make it with '%s'", err, maker)
	}
	defer f.Close()
	identities, err := age.ParseIdentities(io.LimitReader(f, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("the identity file is damaged: begin anew with '%s'", maker)
	}
	return identities, nil
}

// printRecipient prints to whom the bank has to encrypt.
func printRecipient(g *globals, path string) error {
	identities, err := readIdentities(path, "")
	if err != nil {
		return err
	}
	for _, identity := range identities {
		if x, ok := identity.(*age.X25519Identity); ok {
			_, err = fmt.Fprintln(g.Out, x.Recipient())
		}
	}
	return err
}

// decryptFor reads what the bank has encrypted to an identity, from a file or,
// for -, from standard input: at most size bytes.
func decryptFor(g *globals, identity, file string, size int64, maker string) ([]byte, error) {
	identities, err := readIdentities(identity, maker)
	if err != nil {
		return nil, err
	}
	in := g.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read the bank's answer: %w", err)
		}
		defer f.Close()
		in = f
	}
	text := bufio.NewReader(io.LimitReader(in, 2*size))
	var sealed io.Reader = text
	if start, _ := text.Peek(len(armor.Header)); bytes.HasPrefix(start, []byte(armor.Header[:5])) {
		sealed = armor.NewReader(text)
	}
	opened, err := age.Decrypt(sealed, identities...)
	if err != nil {
		return nil, fmt.Errorf("this is not for this folder: have it encrypted to the recipient that '%s' printed", maker)
	}
	plain, err := io.ReadAll(io.LimitReader(opened, size+1))
	if err != nil || int64(len(plain)) > size {
		clear(plain)
		return nil, errors.New("the bank's answer is cut or damaged: fetch it again")
	}
	return plain, nil
}
