package certs

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/tandem-lb/tandem/internal/keyfile"
)

const (
	// ticketPeriod is how long new session tickets are made with one key. A ticket is good until the end of the period
	// after its own: for 12 to 24 hours.
	ticketPeriod = 12 * time.Hour
	// minTicketSecret and maxTicketSecret are what a file with a secret holds, in bytes.
	minTicketSecret = 32
	maxTicketSecret = 4096
)

// ticketPeriodOf returns the number of the period that a time is in: the same on all nodes.
func ticketPeriodOf(now time.Time) int64 { return now.Unix() / int64(ticketPeriod/time.Second) }

// ticketKeys returns the keys of session tickets at a time. The first makes tickets; the next ones only open them: that of
// the period before, and that of the period to come, which a node whose clock is ahead uses already.
//
// They follow from the secret, the label and the time alone, so that nodes with one secret open each other's tickets
// without a word between them. Another label has other keys.
func ticketKeys(secret []byte, label string, now time.Time) ([][32]byte, error) {
	period := ticketPeriodOf(now)
	var keys [][32]byte
	for _, n := range []int64{period, period - 1, period + 1} {
		key, err := hkdf.Key(sha256.New, secret, nil, fmt.Sprintf("tandem session tickets %d %s", n, label), 32)
		if err != nil {
			return nil, fmt.Errorf("make session ticket keys: %w", err)
		}
		keys = append(keys, [32]byte(key))
	}
	return keys, nil
}

// CheckTicketSecret says what keeps a file from being a secret of session tickets; nil: nothing.
func CheckTicketSecret(file string) error {
	_, err := readTicketSecret(file)
	return err
}

// readTicketSecret reads the secret that nodes share. It is taken octet by octet.
func readTicketSecret(file string) ([]byte, error) {
	f, err := keyfile.Read(file, maxTicketSecret)
	if err != nil {
		return nil, fmt.Errorf("read session ticket secret: %w", err)
	}
	if err := f.Private(keyfile.Own); err != nil {
		return nil, fmt.Errorf("session ticket secret in %w", err)
	}
	if n := len(f.Data); n < minTicketSecret {
		return nil, fmt.Errorf("%s: %d bytes, want a secret of %d or more (openssl rand -out FILE 64)", file, n, minTicketSecret)
	}
	return f.Data, nil
}
