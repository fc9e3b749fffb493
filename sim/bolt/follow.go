package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
)

// The file format of bbolt, version 2, in the byte order of the machine. A page
// has a header of 16 bytes: id (8), flags (2), count (2), overflow (4); then as
// many elements as count says, of 16 bytes each, and behind them keys and
// values. Pages 0 and 1 are the two roots, of which the newer valid one counts.
const (
	headerSize  = 16
	elementSize = 16
	bucketSize  = 16 // page (8), sequence (8)

	branchPage = 0x01
	leafPage   = 0x02

	bucketElement = 0x01

	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSize    = 64 // without header; the last 8 bytes are the checksum
	noFreelist  = ^uint64(0)
)

// depthMax is far above what a tree of gigabytes needs.
const depthMax = 32

var (
	errShort    = errors.New("it has been cut")
	errRoot     = errors.New("neither root is valid")
	errFreelist = errors.New("it was written by something else")
	errPage     = errors.New("a page is not what it should be")
	errEmpty    = errors.New("its content has vanished")
)

// meta is one of the two roots.
type meta struct{ root, freelist, end, commit uint64 }

// file is the image of a store that is being followed.
type file struct {
	image   []byte
	meta    meta
	reached map[uint64]bool
	objects int
}

// follow walks every page that the newest root reaches, and says whether bbolt
// may be trusted with the file.
func follow(image []byte) error {
	if len(image) < 4*pageSize {
		return errShort
	}
	m, ok := newest(image)
	switch {
	case !ok:
		return errRoot
	case m.freelist != noFreelist:
		return errFreelist
	case m.end > uint64(len(image))/pageSize:
		return errShort
	}
	f := &file{image: image, meta: m, reached: make(map[uint64]bool)}
	if err := f.page(m.root, nil, nil, f.bucket, 0); err != nil {
		return err
	}
	// The first thing a device commits stays for ever: no content means that
	// there never was a commit.
	if f.objects == 0 && m.commit > freshCommits {
		return errEmpty
	}
	return nil
}

func newest(image []byte) (best meta, ok bool) {
	for i := range 2 {
		m, valid := readMeta(image[i*pageSize+headerSize:][:metaSize])
		if valid && (!ok || m.commit > best.commit) {
			best, ok = m, true
		}
	}
	return best, ok
}

func readMeta(b []byte) (meta, bool) {
	sum := fnv.New64a()
	sum.Write(b[:metaSize-8])
	u := binary.NativeEndian
	valid := u.Uint32(b) == metaMagic && u.Uint32(b[4:]) == metaVersion && u.Uint32(b[8:]) == pageSize &&
		u.Uint64(b[metaSize-8:]) == sum.Sum64()
	// flags (4) and the sequence of the root bucket (8) mean nothing
	return meta{root: u.Uint64(b[16:]), freelist: u.Uint64(b[32:]), end: u.Uint64(b[40:]), commit: u.Uint64(b[48:])}, valid
}

// visit takes one element of a leaf.
type visit func(flags uint32, key, value []byte) error

// page follows a page and all below it. Its keys are not below low, and below
// high if there is a high.
func (f *file) page(id uint64, low, high []byte, leaf visit, depth int) error {
	if depth > depthMax || id < 2 || id >= f.meta.end {
		return errPage
	}
	at := f.image[id*pageSize:]
	overflow := uint64(binary.NativeEndian.Uint32(at[12:]))
	if binary.NativeEndian.Uint64(at) != id || overflow >= f.meta.end-id {
		return errPage
	}
	for i := id; i <= id+overflow; i++ {
		if f.reached[i] {
			return errPage
		}
		f.reached[i] = true
	}
	whole := at[:(1+overflow)*pageSize]
	switch binary.NativeEndian.Uint16(whole[8:]) {
	case branchPage:
		return f.branch(whole, low, high, leaf, depth)
	case leafPage:
		return leaves(whole, low, high, depth == 0, leaf)
	}
	return errPage
}

// branch follows the children of a page, each of which has the keys from its
// own key to the next one's.
func (f *file) branch(page, low, high []byte, leaf visit, depth int) error {
	var keys [][]byte
	var children []uint64
	for i := range int(binary.NativeEndian.Uint16(page[10:])) {
		at := headerSize + i*elementSize
		if at+elementSize > len(page) {
			return errPage
		}
		u := binary.NativeEndian
		key, ok := cut(page[at:], u.Uint32(page[at:]), u.Uint32(page[at+4:]))
		if !ok || !follows(key, low, i > 0) || high != nil && bytes.Compare(key, high) >= 0 {
			return errPage
		}
		keys, children, low = append(keys, key), append(children, u.Uint64(page[at+8:])), key
	}
	if len(keys) == 0 {
		return errPage
	}
	for i, child := range children {
		next := high
		if i+1 < len(keys) {
			next = keys[i+1]
		}
		if err := f.page(child, keys[i], next, leaf, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// leaves visits the elements of a leaf. Only a root may have none.
func leaves(page, low, high []byte, root bool, leaf visit) error {
	u := binary.NativeEndian
	count := int(u.Uint16(page[10:]))
	if count == 0 && !root {
		return errPage
	}
	for i := range count {
		at := headerSize + i*elementSize
		if at+elementSize > len(page) {
			return errPage
		}
		position, n := u.Uint32(page[at+4:]), u.Uint32(page[at+8:])
		key, ok := cut(page[at:], position, n)
		value, alsoOK := cut(page[at:], position+n, u.Uint32(page[at+12:]))
		if !ok || !alsoOK || position > position+n || !follows(key, low, i > 0) || high != nil && bytes.Compare(key, high) >= 0 {
			return errPage
		}
		if err := leaf(u.Uint32(page[at:]), key, value); err != nil {
			return err
		}
		low = key
	}
	return nil
}

// follows reports whether key comes in order: behind the one before it, or not
// before the lower bound.
func follows(key, low []byte, behind bool) bool {
	if behind {
		return bytes.Compare(key, low) > 0
	}
	return bytes.Compare(key, low) >= 0
}

// cut is n bytes from position on, if they are there.
func cut(b []byte, position, n uint32) ([]byte, bool) {
	if uint64(position)+uint64(n) > uint64(len(b)) {
		return nil, false
	}
	return b[position:][:n], true
}

// bucket visits an element of the file's own root: the one bucket that we have.
func (f *file) bucket(flags uint32, key, value []byte) error {
	if flags != bucketElement || !bytes.Equal(key, bucketName) || len(value) < bucketSize {
		return errPage
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return f.page(root, nil, nil, f.object, 0)
	}
	// A small bucket lies in the value itself, as a page of its own.
	inline := value[bucketSize:]
	if len(inline) < headerSize || binary.NativeEndian.Uint16(inline[8:]) != leafPage {
		return errPage
	}
	return leaves(inline, nil, nil, true, f.object)
}

func (f *file) object(flags uint32, key, value []byte) error {
	if flags != 0 || len(key) == 0 || len(value) == 0 {
		return errPage
	}
	f.objects++
	return nil
}
