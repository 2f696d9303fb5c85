package vrrp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

const (
	// checkEvery is how soon a Link notices that its interface was made anew, and how often it tries to open one.
	checkEvery = time.Second
	// drainBatch bounds the packets of one Drain, so that a flood keeps no Group from its timers: more than the default
	// receive buffer holds.
	drainBatch = 512
)

// LinkConfig says what a Link is made of.
type LinkConfig struct {
	Interface string
	Family    Family
	Listen    func(iface string) (Conn, error) // nil: Listen or Listen6, by the family
	Log       hclog.Logger                     // nil: none
}

// Link is one interface and family: it receives for all instances on it, and sends for them. Its methods may be called
// from any goroutine.
type Link struct {
	iface  string
	family Family
	listen func(string) (Conn, error)
	log    hclog.Logger

	conn atomic.Pointer[Conn] // nil while the interface cannot be opened

	mu     sync.Mutex
	ears   map[uint8]*ear // guarded by mu; by VRID
	unheld report         // guarded by mu, its counters excepted; of packets that belong to no instance
	buf    [maxPacket]byte
	advert Advert // buf and advert are guarded by mu, and overwritten by each packet
}

// ear is an instance, listening.
type ear struct {
	cfg     Config     // guarded by the Link's mu, like all but the counters
	source  netip.Addr // this node's own
	deliver func(AdvertReceived) bool
	senders seal.Memory // of those who sign; a reload keeps it
	report  report
}

// NewLink makes a Link and opens its socket, so that instances can send at once. An interface that does not exist yet is
// no error: Run opens it when it appears.
func NewLink(cfg LinkConfig) (*Link, error) {
	switch {
	case cfg.Listen != nil:
	case cfg.Family == IPv6:
		cfg.Listen = Listen6
	default:
		cfg.Listen = Listen
	}
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	log := cfg.Log.With("interface", cfg.Interface)
	l := &Link{
		iface:  cfg.Interface,
		family: cfg.Family,
		listen: cfg.Listen,
		log:    log,
		ears:   make(map[uint8]*ear),
		unheld: report{log: log},
	}
	conn, err := l.listen(l.iface)
	switch {
	case err == nil:
		l.conn.Store(&conn)
	case !errors.Is(err, ErrNoInterface):
		return nil, err
	}
	return l, nil
}

// Interface is the interface's name.
func (l *Link) Interface() string { return l.iface }

// Family is the family of the adverts on it.
func (l *Link) Family() Family { return l.family }

// Drops counts the packets dropped that could be ascribed to no instance of this interface.
func (l *Link) Drops() Drops { return l.unheld.drops() }

// Run receives until ctx ends, and closes the socket then: end the Groups first. An interface that vanishes is opened
// again when it is back.
func (l *Link) Run(ctx context.Context) error {
	defer l.close()
	quiet := false // the present failure has been logged
	for ctx.Err() == nil {
		err := l.open()
		if err == nil {
			if quiet {
				l.log.Info("interface is open for adverts again")
			}
			quiet = false
			err = l.serve(ctx)
		}
		if err == nil {
			break
		}
		l.close()
		if !quiet {
			l.log.Warn("interface is not open for adverts", "err", err)
			quiet = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(checkEvery):
		}
	}
	return nil
}

func (l *Link) open() error {
	if l.conn.Load() != nil {
		return nil
	}
	conn, err := l.listen(l.iface)
	if err != nil {
		return err
	}
	l.conn.Store(&conn)
	return nil
}

func (l *Link) close() {
	if conn := l.conn.Swap(nil); conn != nil {
		_ = (*conn).Close() // nothing is lost with it
	}
}

// serve receives until ctx ends, which is no error, or the socket is of no more use.
func (l *Link) serve(ctx context.Context) error {
	conn := *l.conn.Load()
	for {
		err := conn.Await(ctx, checkEvery)
		if ctx.Err() != nil {
			return nil
		}
		switch {
		case err == nil:
			err = l.drain()
		case errors.Is(err, os.ErrDeadlineExceeded):
			err = conn.Check()
		}
		if err != nil {
			return err
		}
	}
}

// Drain takes what the socket holds. When it returns, every advert that had arrived when it was called has been
// delivered: a Group asks for this before it believes that a master is silent.
func (l *Link) Drain() {
	_ = l.drain() // the receiving loop meets the same error
}

func (l *Link) drain() error {
	conn := l.conn.Load()
	if conn == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for range drainBatch {
		n, ok, err := (*conn).Read(l.buf[:])
		if !ok {
			return err
		}
		l.receive(l.buf[:n])
	}
	return nil
}

// receive takes one packet, in the order of RFC 3768 section 7.1. l.mu is held.
func (l *Link) receive(b []byte) {
	d, ok := parsePacket(b)
	if !ok {
		l.unheld.drop(DropIP, d.src)
		return
	}
	// A damaged packet is counted where its second octet points to: a peer of another version, or one behind a router, is
	// then told of with the instance's name.
	var e *ear
	if len(d.payload) > 1 {
		e = l.ears[d.payload[1]]
	}
	at := &l.unheld
	if e != nil {
		at = &e.report
	}
	if near := d.ttl == advertTTL; e == nil && !near || e != nil && !e.cfg.near(d.src, d.ttl) {
		at.drop(DropTTL, d.src)
		return
	}
	if r := parse(d.payload, d.src, d.dst, &l.advert); r != accepted {
		at.drop(r, d.src)
		return
	}
	if e == nil {
		l.unheld.stranger(d.src, &l.advert)
		return
	}
	e.receive(d, &l.advert)
}

// receive takes an advert for the instance, which a datagram brought.
func (e *ear) receive(d datagram, ad *Advert) {
	from := d.src
	var skew time.Duration
	r := judge(&e.cfg, e.source, from, d.dst, ad)
	if r == accepted && ad.Sealed { // late: what is dropped without it costs no digest
		r, skew = e.cfg.HMAC.verify(&e.senders, from, d.payload, time.Now())
	}
	if r == accepted {
		r = judgeInterval(&e.cfg, ad)
	}
	if r != accepted {
		e.report.drop(r, from)
		return
	}
	if !e.deliver(AdvertReceived{Advert: ad.clone(), From: from}) {
		e.report.drop(DropOverload, from)
		return
	}
	e.report.accept(&e.cfg, from, ad)
	if window := e.cfg.HMAC.Window; window > 0 && skew.Abs() > window/2 {
		e.report.skewed(from, skew, window)
	}
}

// attach has an instance hear the adverts of its VRID.
func (l *Link) attach(cfg Config, source netip.Addr, log hclog.Logger, deliver func(AdvertReceived) bool) (*ear, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other, taken := l.ears[cfg.VRID]; taken {
		return nil, fmt.Errorf("instance %s: VRID %d on %s belongs to instance %s", cfg.Name, cfg.VRID, l.iface, other.cfg.Name)
	}
	e := &ear{cfg: cfg, source: source, deliver: deliver, report: report{log: log}}
	l.ears[cfg.VRID] = e
	return e, nil
}

func (l *Link) detach(e *ear) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ears, e.cfg.VRID)
}

// update has adverts judged by another configuration and source.
func (l *Link) update(e *ear, cfg Config, source netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.cfg, e.source = cfg, source
}

// send sends a packet, without waiting.
func (l *Link) send(p Packet) error {
	conn := l.conn.Load()
	if conn == nil {
		return fmt.Errorf("send an advert on %s: the interface is not open", l.iface)
	}
	return (*conn).Write(p.Data, p.Dst)
}
