package bolt

import (
	"os"
	"path/filepath"
	"testing"

	bbolt "go.etcd.io/bbolt"
)

// FuzzFollow: no image makes the walk panic, and what it lets pass bbolt reads
// without one.
func FuzzFollow(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	if err := makeStore(path); err != nil {
		f.Fatal(err)
	}
	db, err := openDB(path)
	if err != nil {
		f.Fatal(err)
	}
	for range 2 {
		err := db.Update(func(tx *bbolt.Tx) error {
			for i := range 200 {
				if err := tx.Bucket(bucketName).Put([]byte{byte(i)}, make([]byte, 60)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			f.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		f.Fatal(err)
	}
	image, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(4096*2), []byte{0})
	f.Add(uint32(8200), []byte{0xFF, 0xFF})
	f.Add(uint32(4096*5+10), []byte{0xFF})
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		bent := append([]byte(nil), image...)
		copy(bent[int(at)%len(bent):], patch)
		if follow(bent) != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "bent")
		if err := os.WriteFile(path, bent, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := openDB(path)
		if err != nil {
			t.Fatalf("what the walk took, bbolt refused: %v", err)
		}
		defer db.Close()
		err = db.View(func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketName).ForEach(func(_, _ []byte) error { return nil })
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
