package certs

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"slices"
	"time"

	"github.com/tandem-lb/tandem/internal/keyfile"
)

// maxFile bounds a PEM file and an OCSP response, in bytes: a long chain with an RSA key is 20 KiB, and a path that leads
// to something else altogether must not fill the memory.
const maxFile = 1 << 20

// freshFor is how long after a change a file may change again without another time stamp: a coarse clock of a file
// system, FAT's being the worst. Until then the same stamps prove nothing.
const freshFor = 2 * time.Second

// file is a certificate as its files were last seen. It is immutable.
type file struct {
	path   Path
	seen   []identity       // of its files
	fresh  bool             // they had changed so recently that they may have changed since, unseen
	pair   *pair            // the last good one; nil: there was none
	fault  string           // why what the files hold now is not pair; empty: it is
	since  time.Time        // of fault
	staple staple           // beside the certificate
	cert   *tls.Certificate // pair's, with the staple; nil as pair
}

// reader reads files at one moment.
type reader struct {
	who   func() keyfile.Process
	known func(Path) *file // as they were seen before; nil for one that is new
	now   time.Time
}

// read returns what a path holds: what is known of it, if nothing has changed. What is wrong with the files is in fault; the
// pair that was good before stays then.
func (r reader) read(f found) *file {
	path := f.path
	old := r.known(path)
	if old == nil {
		old = &file{path: path}
	}
	next := *old
	var seen []identity
	for _, name := range path.files() {
		seen = append(seen, look(name))
	}
	if old.fresh || old.fault != "" || !slices.Equal(seen, old.seen) {
		r.renew(&next, seen)
	}
	if next.pair != nil {
		next.staple = r.readStaple(&next, f.staples)
		if next.pair != old.pair || !bytes.Equal(next.staple.der, old.staple.der) {
			next.cert = stapled(next.pair.cert, next.staple)
		}
	}
	if next.same(old) {
		return old
	}
	return &next
}

// same reports whether two looks at a path saw the same.
func (f *file) same(o *file) bool {
	return f.pair == o.pair && f.fault == o.fault && f.fresh == o.fresh && slices.Equal(f.seen, o.seen) &&
		f.staple.same(o.staple)
}

func (s staple) same(o staple) bool {
	return s.file == o.file && s.seen == o.seen && s.fresh == o.fresh && s.fault == o.fault && bytes.Equal(s.der, o.der)
}

// unread returns f as it was when it was good: what is wrong with its path says all there is to say.
func (f *file) unread() *file {
	if f.fault == "" {
		return f
	}
	good := *f
	good.fault, good.since, good.seen = "", time.Time{}, nil // it is read again when the path is in order
	return &good
}

// renew reads the files of next, whose identities before the reading were seen.
func (r reader) renew(next *file, seen []identity) {
	p, err := r.pair(next.path)
	if err != nil && next.pair != nil && slices.ContainsFunc(seen, r.isBeingWritten) {
		next.fresh = true // whoever writes it is not done, and the end of that is an event of its own
		return
	}
	next.seen, next.fresh = seen, slices.ContainsFunc(seen, r.isFresh)
	if err != nil {
		if text := err.Error(); next.fault != text {
			next.fault, next.since = text, r.now
		}
		return
	}
	next.fault, next.since = "", time.Time{}
	if next.pair == nil || !next.pair.equal(p) {
		next.pair = p
	}
}

// isFresh reports whether a file may change again without its times showing it. A clock that was set back makes all files
// fresh: they are read once more, and that is all.
func (r reader) isFresh(id identity) bool {
	return r.now.UnixNano()-id.changed < int64(freshFor)
}

// isBeingWritten reports whether a file has changed so recently that it may not be whole. A look that an event has caused
// comes later than that.
func (r reader) isBeingWritten(id identity) bool {
	age := r.now.UnixNano() - id.changed
	return 0 <= age && age < int64(quiet)
}

// equal reports whether two pairs are the same for a client.
func (p *pair) equal(o *pair) bool {
	return slices.EqualFunc(p.cert.Certificate, o.cert.Certificate, bytes.Equal) && slices.Equal(p.warnings, o.warnings)
}

// pair reads a certificate and its key. The errors name the files.
func (r reader) pair(path Path) (*pair, error) {
	var data []byte
	want, name := wantBundle, path.Certificate
	if path.Key != "" {
		want, name = wantPair, path.Certificate+" with "+path.Key
	}
	for _, n := range path.files() {
		f, err := keyfile.Read(n, maxFile)
		if err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		if bytes.Contains(f.Data, []byte("PRIVATE KEY-----")) {
			if err := f.Private(r.who); err != nil {
				return nil, fmt.Errorf("private key in %w", err)
			}
		}
		data = append(append(data, f.Data...), '\n') // a block begins a line, even if the file before it does not end one
	}
	p, err := parseBundle(data, want)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// readStaple returns the response that lies beside a certificate. One that cannot be sent leaves the one before it in
// place, until that expires.
func (r reader) readStaple(f *file, names []string) staple {
	old := f.staple
	next := staple{}
	for _, name := range names {
		if id := look(name); id != (identity{}) {
			next.file, next.seen, next.fresh = name, id, r.isFresh(id)
			break
		}
	}
	if next.file == "" {
		return staple{}
	}
	leaf := f.pair.cert.Leaf
	unchanged := next.file == old.file && next.seen == old.seen && !old.fresh && bytes.Equal(old.leaf, leaf.Raw)
	if unchanged && old.fault == "" && r.now.Before(old.until) {
		return old
	}
	err := r.loadStaple(&next, f.pair)
	if err == nil {
		return next
	}
	next.fault, next.since = err.Error(), r.now
	if next.fault == old.fault {
		next.since = old.since
	}
	if bytes.Equal(old.leaf, leaf.Raw) && r.now.Before(old.until) {
		next.leaf, next.der, next.until = old.leaf, old.der, old.until
	}
	return next
}

func (r reader) loadStaple(s *staple, p *pair) error {
	f, err := keyfile.Read(s.file, maxFile)
	if err != nil {
		return fmt.Errorf("read OCSP response: %w", err)
	}
	until, err := checkStaple(f.Data, p.cert.Leaf, p.issuer, r.now)
	if err != nil {
		return fmt.Errorf("OCSP response %s: %w", s.file, err)
	}
	s.leaf, s.der, s.until = p.cert.Leaf.Raw, f.Data, until
	return nil
}
