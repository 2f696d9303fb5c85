package certs

import (
	"bytes"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func mustTicketKeys(t *testing.T, secret []byte, label string, now time.Time) [][32]byte {
	t.Helper()
	keys, err := ticketKeys(secret, label, now)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Tickets go on across a change of period, and on a node whose clock is in another period already or still.
func TestTicketKeysInStep(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte{7}, minTicketSecret)
	start := time.Unix(1_700_000_000-1_700_000_000%int64(ticketPeriod/time.Second), 0) // of a period
	now := mustTicketKeys(t, secret, "f", start)
	for name, tt := range map[string]struct {
		at     time.Time
		places [3]int // where the keys of now are among those of at; -1: nowhere
	}{
		"the same moment":        {start, [3]int{0, 1, 2}},
		"the end of the period":  {start.Add(ticketPeriod - time.Second), [3]int{0, 1, 2}},
		"elsewhere in the world": {start.In(time.FixedZone("x", 5*3600)), [3]int{0, 1, 2}},
		"the next period":        {start.Add(ticketPeriod), [3]int{1, -1, 0}},
		"the one before":         {start.Add(-time.Second), [3]int{2, 0, -1}},
		"two later":              {start.Add(2 * ticketPeriod), [3]int{-1, -1, 1}},
		"three later":            {start.Add(3 * ticketPeriod), [3]int{-1, -1, -1}},
	} {
		there := mustTicketKeys(t, secret, "f", tt.at)
		for i, key := range now {
			got := -1
			for j, k := range there {
				if k == key {
					got = j
				}
			}
			if got != tt.places[i] {
				t.Errorf("%s: key %d is at %d, want %d", name, i, got, tt.places[i])
			}
		}
	}
	for name, others := range map[string][][32]byte{
		"another secret": mustTicketKeys(t, bytes.Repeat([]byte{8}, minTicketSecret), "f", start),
		"another label":  mustTicketKeys(t, secret, "g", start),
	} {
		for i := range others {
			if others[i] == now[i] {
				t.Errorf("%s: got the same key %d", name, i)
			}
		}
	}
}

// resumes reports whether a session that began at one server goes on at another.
func resumes(t *testing.T, first, second *tls.Config, version uint16) bool {
	t.Helper()
	client := &tls.Config{ServerName: "example.com", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	if _, err := handshake(t, first, client); err != nil {
		t.Fatal(err)
	}
	state, err := handshake(t, second, client)
	if err != nil {
		t.Fatal(err)
	}
	return state.DidResume
}

// node makes the bind of a node of its own: with a Keychain of its own.
func node(t *testing.T, scope, secretFile string, c Config) *tls.Config {
	t.Helper()
	k := NewKeychain(nil)
	p := k.Plan()
	if secretFile != "" {
		if err := p.TicketSecret(secretFile); err != nil {
			t.Fatal(err)
		}
	}
	config, err := p.Bind(scope, c)
	if err != nil {
		t.Fatal(err)
	}
	k.Apply(p)
	return config
}

// Two nodes with one secret take up each other's sessions, in both versions; otherwise nobody else's.
func TestNodesResumeEachOthersSessions(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	dir := t.TempDir()
	file := bundle(t, dir, "x.pem", root.issue(t, ecKey(t), "example.com"))
	ca := write(t, dir, "ca.crt", certPEM(root.cert))
	otherCA := write(t, dir, "other.crt", certPEM(newAuthority(t, nil, "other").cert))
	shared := write(t, dir, "shared", bytes.Repeat([]byte("s"), 64))
	other := write(t, dir, "other", bytes.Repeat([]byte("o"), 64))
	c := Config{Certificates: Bundles(file)}
	asks := func(ca string) Config {
		c := c
		c.Clients = Clients{Mode: ClientOptional, CAs: []string{ca}}
		return c
	}
	for _, tt := range []struct {
		name          string
		first, second *tls.Config
		want          bool
	}{
		{"one secret", node(t, "web", shared, c), node(t, "web", shared, c), true},
		{"two secrets", node(t, "web", shared, c), node(t, "web", other, c), false},
		{"none configured", node(t, "web", "", c), node(t, "web", "", c), false},
		{"two scopes", node(t, "web", shared, c), node(t, "api", shared, c), false},
		{"the same authorities", node(t, "web", shared, asks(ca)), node(t, "web", shared, asks(ca)), true},
		{"other authorities", node(t, "web", shared, asks(ca)), node(t, "web", shared, asks(otherCA)), false},
		{"another way of asking", node(t, "web", shared, c), node(t, "web", shared, asks(ca)), false},
	} {
		for version, name := range map[uint16]string{tls.VersionTLS12: "TLS 1.2", tls.VersionTLS13: "TLS 1.3"} {
			t.Run(tt.name+", "+name, func(t *testing.T) {
				t.Parallel()
				if got := resumes(t, tt.first, tt.second, version); got != tt.want {
					t.Errorf("got resumed %v, want %v", got, tt.want)
				}
			})
		}
	}
}

func TestTicketSecretRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	short := write(t, dir, "short", make([]byte, minTicketSecret-1))
	open := write(t, dir, "open", make([]byte, minTicketSecret))
	chmod(t, open, 0o644)
	large := write(t, dir, "large", make([]byte, maxTicketSecret+1))
	missing := filepath.Join(dir, "missing")
	for file, want := range map[string]string{
		short:   "FILE: 31 bytes, want a secret of 32 or more (openssl rand -out FILE 64)",
		open:    "session ticket secret in FILE: open to every user (mode 0644): chmod 0640 FILE",
		large:   "read session ticket secret: FILE: over 4096 bytes",
		missing: "read session ticket secret: stat FILE: no such file or directory",
	} {
		err := NewKeychain(nil).Plan().TicketSecret(file)
		if err == nil || strings.ReplaceAll(err.Error(), file, "FILE") != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := os.Chmod(open, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := NewKeychain(nil).Plan().TicketSecret(open); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}
