package seal

import (
	"crypto/subtle"
	"fmt"
	"slices"
)

// What Keepalived takes for a secret, in octets: 32 leave a margin of 128 bits to a quantum search, and more than a block of
// SHA-256 would be hashed to less.
const (
	MinSecret = 32
	MaxSecret = 64
)

// Key is a secret that the routers of a virtual router share. The zero Key is none. A Key can be printed: its secret does not
// show.
type Key struct {
	ID     uint8 // 1 to 255, the same on all routers: it stands in the trailer
	secret *secret
}

// secret is two pointers away from a Key: fmt follows one of them where a struct around an unexported Key is printed with a verb
// that does not suit it, and none elsewhere.
type secret struct{ octets *[]byte }

// NewKey makes a Key of a secret of MinSecret to MaxSecret octets, which it copies.
func NewKey(id uint8, octets []byte) (Key, error) {
	switch n := len(octets); {
	case id == 0:
		return Key{}, fmt.Errorf("key id 0, want 1 to 255")
	case n < MinSecret || n > MaxSecret:
		return Key{}, fmt.Errorf("key %d has %d octets, want %d to %d", id, n, MinSecret, MaxSecret)
	}
	own := slices.Clone(octets)
	return Key{ID: id, secret: &secret{octets: &own}}, nil
}

// Secret is a copy of the secret, for handing the Key on to the keeper.
func (k Key) Secret() []byte {
	if k.secret == nil {
		return nil
	}
	return slices.Clone(*k.secret.octets)
}

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k.secret == nil }

// Equal reports whether both keys have the same id and secret. It takes as long wherever they differ.
func (k Key) Equal(other Key) bool {
	if k.IsZero() || other.IsZero() {
		return k == other
	}
	return k.ID == other.ID && subtle.ConstantTimeCompare(*k.secret.octets, *other.secret.octets) == 1
}

// String names the key.
func (k Key) String() string {
	if k.IsZero() {
		return "no key"
	}
	return fmt.Sprintf("key %d", k.ID)
}

// GoString is String.
func (k Key) GoString() string { return k.String() }
