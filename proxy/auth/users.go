package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// maxKnown bounds the credentials that are remembered.
const maxKnown = 4096

// Users are those who may come in. They are safe for concurrent use.
type Users struct {
	hashes map[string][]byte // by name
	nobody []byte            // the hash of who is not there, which takes as long
	key    [32]byte          // of the marks

	mu    sync.Mutex
	known map[mark]struct{} // guarded by mu: credentials that were right
}

// mark is what credentials are remembered by.
type mark [sha256.Size]byte

// Known reports whether credentials, what stands in Authorization behind the word Basic, were found right before. It takes microseconds.
func (u *Users) Known(credentials string) bool {
	m := u.mark(credentials)
	u.mu.Lock()
	defer u.mu.Unlock()
	_, ok := u.known[m]
	return ok
}

// Verify reports whether credentials are right. It takes as long as the hash asks for, tens of milliseconds at least, also for a user who
// is not there.
func (u *Users) Verify(credentials string) bool {
	pair, err := base64.StdEncoding.DecodeString(credentials)
	name, password, ok := strings.Cut(string(pair), ":")
	if err != nil || !ok || len(password) > 72 { // more bcrypt does not take
		return false
	}
	hash, there := u.hashes[name]
	if !there {
		hash = u.nobody // which no password has
	}
	if bcrypt.CompareHashAndPassword(hash, []byte(password)) != nil {
		return false
	}
	u.remember(u.mark(credentials))
	return true
}

// remember makes room by forgetting any other one: who comes again is verified again.
func (u *Users) remember(m mark) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for other := range u.known {
		if len(u.known) < maxKnown {
			break
		}
		delete(u.known, other)
	}
	u.known[m] = struct{}{}
}

func (u *Users) mark(credentials string) (m mark) {
	h := hmac.New(sha256.New, u.key[:])
	_, _ = h.Write([]byte(credentials)) // it cannot fail
	h.Sum(m[:0])
	return m
}
