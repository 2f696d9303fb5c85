package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"
)

// Plan is what a Keychain shall hold next: what was asked of it and nothing else. It is good until another plan of the same
// Keychain is applied, and leaves nothing behind when it is not.
type Plan struct {
	k           *Keychain
	now         time.Time
	secret      []byte // nil: the random one
	binds       map[string]*bind
	servers     map[string]*Servers
	collections map[string]*collection
	loads       map[*collection]*loaded
	faults      map[string]error // of the collections that cannot be used, by key
}

// Plan begins a plan.
func (k *Keychain) Plan() *Plan {
	return &Plan{
		k: k, now: time.Now(),
		binds: map[string]*bind{}, servers: map[string]*Servers{}, collections: map[string]*collection{}, loads: map[*collection]*loaded{}, faults: map[string]error{},
	}
}

// TicketSecret reads the secret of the session tickets from a file, which nodes may share: at least 32 octets, and nobody
// else may read it. Without it the Keychain has a random one of its own, for as long as it lives.
func (p *Plan) TicketSecret(file string) (err error) {
	p.secret, err = readTicketSecret(file)
	return err
}

// Bind returns the configuration of a bind: the one it has already, where nothing about it has changed. Its certificates
// follow their files, from Apply on and while Run runs. A session goes on at all binds of a scope that verify clients
// by the same authorities, and nowhere else: scopes keep apart what has different owners, such as frontends.
//
// A file that was good before and is not now keeps what it had, and that is an alarm; one that never was good is an error.
func (p *Plan) Bind(scope string, c Config) (*tls.Config, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	var clients *x509.CertPool
	var digest [sha256.Size]byte
	if c.Clients.Mode != ClientNone {
		var err error
		if clients, digest, err = authorities(c.Clients.CAs); err != nil {
			return nil, err
		}
	}
	certs, err := p.collection(c.Certificates)
	if err != nil {
		return nil, err
	}
	label := fmt.Sprintf("%q %x", scope, digest)
	key := fmt.Sprintf("%s %#v", label, c) // the same for equal ones alone
	if b := p.binds[key]; b != nil {
		return b.tls, nil
	}
	b := p.k.liveBind(key)
	if b == nil {
		b = &bind{tls: c.tlsConfig(certs.store, clients), label: label}
	}
	p.binds[key] = b
	return b.tls, nil
}

// collection returns the collection of a list of paths, all of which it reads.
func (p *Plan) collection(paths []Path) (*collection, error) {
	key := fmt.Sprintf("%#v", paths)
	if c := p.collections[key]; c != nil {
		return c, nil
	}
	if err, failed := p.faults[key]; failed {
		return nil, err
	}
	c, known := p.k.liveCollection(key)
	var before *loaded
	if c != nil {
		before = c.now.Load()
	} else {
		c = &collection{paths: paths}
	}
	next := load(paths, before, known, p.now)
	if err := next.err(); err != nil {
		p.faults[key] = err
		return nil, err
	}
	p.collections[key], p.loads[c] = c, next
	return c, nil
}

func (k *Keychain) liveBind(key string) *bind {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.binds[key]
}

func (k *Keychain) liveServers(key string) *Servers {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.servers[key]
}

// liveCollection returns the collection of that key, or nil, and what is known of files.
func (k *Keychain) liveCollection(key string) (*collection, func(Path) *file) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.collections[key], known(k.collections)
}

// known returns what collections have seen of a path.
func known(collections map[string]*collection) func(Path) *file {
	var all []*loaded
	for _, c := range collections {
		all = append(all, c.now.Load())
	}
	return func(p Path) *file {
		for _, l := range all {
			if f := l.byPath[p]; f != nil {
				return f
			}
		}
		return nil
	}
}

// Apply makes the plan what the Keychain holds. Sessions that began before go on, unless the secret has changed.
func (k *Keychain) Apply(p *Plan) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before := known(k.collections)
	for c, l := range p.loads {
		if c.now.Load() != l {
			c.now.Store(l)
			k.report(before, l)
		}
	}
	k.collections, k.binds, k.servers = p.collections, p.binds, p.servers
	if k.secret = p.secret; k.secret == nil {
		k.secret = k.random
	}
	k.rotate(p.now)
	k.tellEnds(p.now)
	select {
	case k.news <- struct{}{}:
	default: // Run has not yet looked at the news before
	}
}
