package auth

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/tandem-lb/tandem/internal/keyfile"
)

const (
	// maxFile bounds a file of users, in octets: some ten thousand.
	maxFile = 1 << 20
	// maxCost bounds the work that a hash asks for: it doubles with each step, and 14 takes about a second.
	maxCost = 14
)

// Load reads a file of users. One that others can read is refused.
func Load(name string) (*Users, error) {
	f, err := keyfile.Read(name, maxFile)
	if err != nil {
		return nil, err
	}
	if err := f.Private(keyfile.Own); err != nil {
		return nil, err
	}
	u, err := parse(f.Data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return u, nil
}

// parse reads "user:hash" from each line. Empty lines, and those that begin with #, say nothing. No error shows a hash.
func parse(text []byte) (*Users, error) {
	u := &Users{hashes: map[string][]byte{}, known: map[mark]struct{}{}}
	if _, err := rand.Read(u.key[:]); err != nil {
		return nil, err
	}
	line, cost := 0, bcrypt.MinCost
	for l := range bytes.Lines(text) {
		line++
		entry := strings.TrimSpace(string(l))
		if entry == "" || entry[0] == '#' {
			continue
		}
		name, hash, ok := strings.Cut(entry, ":")
		if !ok || name == "" {
			return nil, fmt.Errorf("line %d: want user:hash", line)
		}
		if _, again := u.hashes[name]; again {
			return nil, fmt.Errorf("line %d: user %s is there already", line, name)
		}
		of, err := bcrypt.Cost([]byte(hash))
		switch {
		case err != nil || len(hash) != 60:
			return nil, fmt.Errorf("line %d: user %s has no bcrypt hash, want one as htpasswd -B makes it", line, name)
		case of > maxCost:
			return nil, fmt.Errorf("line %d: the hash of user %s has cost %d, want at most %d", line, name, of, maxCost)
		}
		u.hashes[name], cost = []byte(hash), max(cost, of)
	}
	if len(u.hashes) == 0 {
		return nil, errors.New("no users")
	}
	u.nobody = fmt.Appendf(nil, "$2a$%02d$%s", cost, strings.Repeat("z", 53)) // nobody knows what it is the hash of
	return u, nil
}
