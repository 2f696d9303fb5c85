package persist

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/tandem-lb/tandem/internal/keyfile"
)

const (
	// minSecret and maxSecret are what a file with a secret holds, in octets.
	minSecret = 32
	maxSecret = 4096
	// sealLength is how many octets of an HMAC are told: nobody guesses 96 bits, and a cookie goes with every request.
	sealLength = 12
)

// ReadSecret reads a secret that nodes share. It is taken octet by octet.
func ReadSecret(file string) ([]byte, error) {
	f, err := keyfile.Read(file, maxSecret)
	if err != nil {
		return nil, fmt.Errorf("read cookie secret: %w", err)
	}
	if err := f.Private(keyfile.Own); err != nil {
		return nil, fmt.Errorf("cookie secret in %w", err)
	}
	if n := len(f.Data); n < minSecret {
		return nil, fmt.Errorf("%s: %d bytes, want a secret of %d or more (openssl rand -out FILE 64)", file, n, minSecret)
	}
	return f.Data, nil
}

// seal makes names and dates that nobody can make up who does not have the secret. They follow from it and from the backend alone, so that
// nodes with one secret read each other's cookies without a word between them.
type seal struct {
	key []byte
}

func newSeal(secret []byte, backend string) (*seal, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "tandem cookie of backend "+backend, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("make a cookie's key: %w", err)
	}
	return &seal{key: key}, nil
}

// sum returns what belongs to a text used for some purpose.
func (s *seal) sum(purpose, text string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(purpose)) // neither returns an error
	h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:sealLength])
}

// name returns what a server is called in place of its name.
func (s *seal) name(value string) string { return s.sum("server ", value) }

// append closes what was written behind a mark.
func (s *seal) append(dst []byte, mark int) []byte {
	sum := s.sum("dates ", string(dst[mark:]))
	return append(append(dst, '|'), sum...)
}

// open returns what append has closed; ok is false where that was not so.
func (s *seal) open(value string) (text string, ok bool) {
	i := strings.LastIndexByte(value, '|')
	if i < 0 || !hmac.Equal([]byte(value[i+1:]), []byte(s.sum("dates ", value[:i]))) {
		return "", false
	}
	return value[:i], true
}
