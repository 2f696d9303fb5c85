package certs

import (
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Keychain holds what a process proves itself by: the certificates of its binds, kept up to date with their files, and the
// keys of its session tickets. It is safe for concurrent use. What it holds comes by Plan and Apply; Run keeps it up to
// date.
type Keychain struct {
	log     hclog.Logger
	random  []byte        // the secret of session tickets where none is configured
	news    chan struct{} // Apply tells Run that there are other files to watch; never closed; holds one, more say no more
	watch   func() (*watch, error)
	looked  func() // for tests: called after each look at the files; nil: nobody asks
	quiet   time.Duration
	patient time.Duration

	mu          sync.Mutex // guards what follows
	secret      []byte
	period      int64 // of the session ticket keys
	binds       map[string]*bind
	servers     map[string]*Servers
	collections map[string]*collection
	told        map[string]due // what has been logged of the end of a certificate, by file and end
	at          time.Time      // of the last look at the files
	renewals    uint64
	failures    uint64
}

// bind is the configuration of all binds that have the same one, and the same scope.
type bind struct {
	tls   *tls.Config
	label string // of its session ticket keys
}

// collection is the certificates of all that have the same list of paths.
type collection struct {
	paths []Path
	now   atomic.Pointer[loaded] // with a store, once it is in use
}

func (c *collection) store() *Store { return c.now.Load().store }

// NewKeychain returns a Keychain that holds nothing yet. log may be nil.
func NewKeychain(log hclog.Logger) *Keychain {
	if log == nil {
		log = hclog.NewNullLogger()
	}
	k := &Keychain{
		log:         log,
		random:      make([]byte, minTicketSecret),
		news:        make(chan struct{}, 1),
		watch:       openWatch,
		quiet:       quiet,
		patient:     patience,
		binds:       map[string]*bind{},
		collections: map[string]*collection{},
		told:        map[string]due{},
	}
	_, _ = rand.Read(k.random) // it never fails
	k.secret = k.random
	return k
}

// Status is a Keychain at one moment.
type Status struct {
	Certificates []Info  // by file
	Alarms       []Alarm // by file
	Renewals     uint64  // certificates that came from files which had changed
	Failures     uint64  // times that a file was found not to be usable, or became so for another reason
}

// Alarm is what somebody has to look after.
type Alarm struct {
	File  string
	Text  string    // what is wrong with it
	Since time.Time // zero where only the certificate itself says
}

// Status returns what is held now, each file once, and what was wrong with it at the last look.
func (k *Keychain) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := Status{Renewals: k.renewals, Failures: k.failures}
	infos, alarms := map[string]Info{}, map[Alarm]bool{}
	for _, c := range k.collections {
		l := c.now.Load()
		for _, i := range l.store.Certificates() {
			infos[i.File] = i
		}
		for _, a := range l.alarms(k.at) {
			alarms[a] = true
		}
	}
	s.Certificates = slices.SortedFunc(maps.Values(infos), func(a, b Info) int { return cmp.Compare(a.File, b.File) })
	s.Alarms = slices.SortedFunc(maps.Keys(alarms), func(a, b Alarm) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Text, b.Text), a.Since.Compare(b.Since))
	})
	return s
}

// alarms says what is wrong: paths that lead nowhere, files that hold nothing of use, certificates that end.
func (l *loaded) alarms(now time.Time) []Alarm {
	var alarms []Alarm
	for _, p := range l.paths {
		if p.fault != "" {
			alarms = append(alarms, Alarm{File: p.path.Certificate, Text: p.fault, Since: p.since})
		}
	}
	for _, f := range l.files {
		if f.fault != "" {
			alarms = append(alarms, Alarm{File: f.path.Certificate, Text: f.fault, Since: f.since})
		}
		if f.staple.fault != "" {
			alarms = append(alarms, Alarm{File: f.staple.file, Text: f.staple.fault, Since: f.staple.since})
		}
		if f.pair != nil && dueOf(f.pair.cert.Leaf, now) >= urgent {
			alarms = append(alarms, Alarm{File: f.path.Certificate, Text: dueText(f.pair.cert.Leaf, now)})
		}
	}
	return alarms
}

// rotate gives every bind the session ticket keys of a time. mu is held.
func (k *Keychain) rotate(now time.Time) {
	k.period = ticketPeriodOf(now)
	for _, b := range k.binds {
		keys, err := ticketKeys(k.secret, b.label, now)
		if err != nil { // the former keys stay
			k.log.Error("session ticket keys are not renewed", "err", err)
			return
		}
		b.tls.SetSessionTicketKeys(keys)
	}
}
