package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// home is the lab's folder: one folder a role, and lab.json.
type home struct {
	dir       string
	temporary bool
}

// record is lab.json: what the lab must remember of its demo data. The keys are
// of a bank that exists for play alone; the file is closed to others all the
// same.
type record struct {
	Version    int      `json:"version"`
	Complete   bool     `json:"complete"` // all demo data are made
	Issuer     string   `json:"issuer_key,omitempty"`
	Merchant   string   `json:"merchant_key,omitempty"`
	Till       string   `json:"merchant_account,omitempty"`
	Payer      string   `json:"payer_account,omitempty"`
	Vault      string   `json:"vault_account,omitempty"` // where demo money comes from
	Float      string   `json:"float_account,omitempty"`
	Settlement string   `json:"settlement_account,omitempty"`
	Card       string   `json:"card,omitempty"`
	Number     string   `json:"card_number,omitempty"` // masked
	Phone      string   `json:"phone,omitempty"`
	Applets    []issued `json:"applets,omitempty"`
}

// issued is an applet in the SIM, as the bank knows it.
type issued struct {
	ID     string `json:"id"`
	AID    string `json:"aid"`
	Number string `json:"number"` // masked
}

const recordVersion = 2

func (h home) bank() string  { return filepath.Join(h.dir, "bank") }
func (h home) phone() string { return filepath.Join(h.dir, "phone") }
func (h home) card() string  { return filepath.Join(h.dir, "card") }
func (h home) till() string  { return filepath.Join(h.dir, "till") }

// sim is the SIM's folder; a lab that keeps nothing has none.
func (h home) sim() string {
	if h.temporary {
		return ""
	}
	return filepath.Join(h.dir, "sim")
}

func (h home) file() string { return filepath.Join(h.dir, "lab.json") }

// openHome makes or finds the folder. Demo data that were never finished are
// cleared away; a folder with anything else in it is left alone.
func openHome(dir string) (home, error) {
	h := home{dir: dir}
	if dir == Mem {
		made, err := os.MkdirTemp("", "sotto-lab-")
		if err != nil {
			return home{}, fmt.Errorf("make a folder for this run: %w", err)
		}
		return home{dir: made, temporary: true}, h.prepare(made)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return home{}, fmt.Errorf("make the lab's folder (choose another with --data): %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return home{}, fmt.Errorf("read the lab's folder (choose another with --data): %w", err)
	}
	r, err := h.read()
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(entries) > 0:
		return home{}, fmt.Errorf("%s is not empty and no lab's folder: choose another with --data", dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return home{}, err
	case err == nil && r.Complete:
		return h, nil
	}
	for _, part := range []string{h.bank(), h.phone(), h.card(), h.sim(), h.till()} {
		if err := remove(part); err != nil {
			return home{}, err
		}
	}
	return h, h.prepare(dir)
}

func (home) prepare(dir string) error {
	h := home{dir: dir}
	for _, part := range []string{h.bank(), h.card()} {
		if err := os.MkdirAll(part, 0o700); err != nil {
			return fmt.Errorf("make the lab's folders: %w", err)
		}
	}
	return h.write(record{Version: recordVersion})
}

func (h home) read() (record, error) {
	var r record
	text, err := os.ReadFile(h.file())
	if err != nil {
		return r, fmt.Errorf("read the lab's notes: %w", err)
	}
	if json.Unmarshal(text, &r) != nil || r.Version != recordVersion {
		return r, fmt.Errorf("%s was not written by this version of the lab: choose another folder with --data, or remove this one", h.file())
	}
	return r, nil
}

// write replaces lab.json: after a crash there is the old one or the new one.
func (h home) write(r record) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write the lab's notes: %w", err)
	}
	f, err := os.OpenFile(h.file()+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the lab's notes: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(h.file()+".new", h.file())
	}
	if err != nil {
		return fmt.Errorf("write the lab's notes: %w", err)
	}
	return nil
}

// close leaves nothing of a lab that keeps nothing.
func (h home) close() error {
	if !h.temporary {
		return nil
	}
	return remove(h.dir)
}
