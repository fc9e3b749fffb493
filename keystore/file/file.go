// Package file keeps the bank's root secrets in one file, encrypted with age
// (age-encryption.org/v1).
//
// Begin with Create, once, and Open at every start. The Lock is a passphrase
// (age's scrypt recipient) or an age identity file (X25519, or the post-quantum
// hybrid). Inside stands versioned JSON with named byte strings: the Standard
// ones, which Create draws, and any that are added later.
//
// Every write is atomic and durable: a crash leaves the old file or the new
// one. Files have mode 0600; one that others may read, a symbolic link, and
// anything above SizeMax is refused. Create never overwrites. Errors are one
// sentence with the next step, and hold no byte of any secret. Two processes
// must not add at the same time.
package file

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"sotto/secret"
)

// Limits.
const (
	SizeMax      = 1 << 20  // bytes of the file
	SecretMax    = 16 << 10 // bytes of one secret
	NameMax      = 64       // bytes of a name
	standardSize = 32
)

// Names of the secrets which Create draws, 32 random bytes each.
const (
	IssuerMaster   = "issuer-master"   // root of the cards' keys
	CodePepper     = "code-pepper"     // HMAC of codes
	PANEncryption  = "pan-encryption"  // AES-256-GCM of card numbers
	PANLookup      = "pan-lookup"      // HMAC by which a card number is found
	PhoneTransport = "phone-transport" // root of what phones are sent
	APIKeys        = "api-keys"        // HMAC of merchants' keys
	Audit          = "audit"           // HMAC of the audit chain

	AppletAC  = "applet-ac"  // issuer master key of cryptograms, its first 16 bytes
	AppletMAC = "applet-mac" // of script MACs
	AppletENC = "applet-enc" // of script encryption
)

// Names of secrets which are added when they are first needed: RSA private keys
// as PKCS #1 DER.
const (
	AppletAuthority = "applet-authority" // certifies issuers to terminals
	AppletIssuer    = "applet-issuer"    // certifies applets
)

// Standard lists the secrets which Create draws.
func Standard() []string {
	return []string{
		IssuerMaster, CodePepper, PANEncryption, PANLookup, PhoneTransport, APIKeys, Audit,
		AppletAC, AppletMAC, AppletENC,
	}
}

// Errors on which a caller may branch. What is returned wraps them with the
// path and the next step.
var (
	ErrExists  = errors.New("the key store exists already")
	ErrLocked  = errors.New("the lock does not open the key store")
	ErrDamaged = errors.New("the key store is damaged")
	ErrVersion = errors.New("the key store's version is not known")
	ErrMissing = errors.New("the key store has no such secret")
	ErrExposed = errors.New("others may read the file")
	ErrName    = errors.New("a secret's name has 1 to 64 lower-case letters, digits and hyphens")
	ErrSize    = errors.New("a secret has 1 to 16384 bytes, and a key store 1 MiB")
)

// Keys is an open key store. It is safe for use by many goroutines.
type Keys struct {
	path string
	lock Lock

	mu    sync.Mutex
	named map[string]secret.Secret
}

// Create makes the key store at path with fresh Standard secrets.
func Create(path string, lock Lock) (*Keys, error) {
	k := &Keys{path: path, lock: lock, named: map[string]secret.Secret{}}
	for _, name := range Standard() {
		k.named[name] = draw()
	}
	sealed, err := seal(k.named, lock)
	if err != nil {
		return nil, err
	}
	if err := writeNew(path, sealed); err != nil {
		return nil, err
	}
	return k, nil
}

func draw() secret.Secret {
	drawn := make([]byte, standardSize)
	rand.Read(drawn) // crashes rather than fail
	defer clear(drawn)
	return secret.New(drawn)
}

// Draw returns the secret of this name, and draws it first if the store is of a
// version that did not have it.
func (k *Keys) Draw(name string) (secret.Secret, error) {
	return k.Make(name, func() (secret.Secret, error) { return draw(), nil })
}

// Make returns the secret of this name, and adds what f makes if there is none.
func (k *Keys) Make(name string, f func() (secret.Secret, error)) (secret.Secret, error) {
	s, err := k.Secret(name)
	if !errors.Is(err, ErrMissing) {
		return s, err
	}
	if s, err = f(); err != nil {
		return secret.Secret{}, err
	}
	if err := k.Add(name, s); err != nil {
		return secret.Secret{}, err
	}
	return s, nil
}

// Open reads the key store at path.
func Open(path string, lock Lock) (*Keys, error) {
	sealed, err := read(path, "keystore")
	if err != nil {
		return nil, err
	}
	named, err := unseal(sealed, lock, path)
	if err != nil {
		return nil, err
	}
	return &Keys{path: path, lock: lock, named: named}, nil
}

// Secret returns the secret of this name.
func (k *Keys) Secret(name string) (secret.Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.named[name]
	if !ok {
		return secret.Secret{}, fmt.Errorf("%w: %q is not in %s; restore a copy that has it, or add it", ErrMissing, name, k.path)
	}
	return s, nil
}

// Names lists what the store holds, in order.
func (k *Keys) Names() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(maps.Keys(k.named))
}

// Add writes one more secret to the file and returns when it is durable. A name
// that is there already is refused with ErrExists: replacing a root secret
// would make what hangs from it unreadable.
func (k *Keys) Add(name string, s secret.Secret) error {
	if !validName(name) {
		return ErrName
	}
	if n := len(s.Reveal()); n == 0 || n > SecretMax {
		return ErrSize
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now, err := Open(k.path, k.lock) // another process may have added since
	if err != nil {
		return err
	}
	if _, there := now.named[name]; there {
		return fmt.Errorf("%w: the secret %q in %s; choose another name", ErrExists, name, k.path)
	}
	now.named[name] = s
	sealed, err := seal(now.named, k.lock)
	if err != nil {
		return err
	}
	if err := replace(k.path, sealed); err != nil {
		return err
	}
	k.named = now.named
	return nil
}

// Relock encrypts the key store at path under another lock. The old lock opens
// it no more, but still opens every copy that was made before.
func Relock(path string, old, next Lock) error {
	k, err := Open(path, old)
	if err != nil {
		return err
	}
	sealed, err := seal(k.named, next)
	if err != nil {
		return err
	}
	return replace(path, sealed)
}

func validName(name string) bool {
	if name == "" || len(name) > NameMax {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
