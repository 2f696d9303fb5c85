package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// Conn is one side of a TLS connection over memory. It belongs to one goroutine, its owner's, and no method blocks.
type Conn struct {
	tls    *tls.Conn
	inside inside
	wire   wire
	shaker *Handshaker // while the handshake lasts
	config *tls.Config
	plain  []byte // from the owner's Buffers: of a record that was more than Read wanted; nil: nothing
	read   int    // of plain
	err    error  // what every Read says from now on
	server bool
	empty  bool // crypto/tls has handed out all plaintext that it had
}

// Server returns the server's side of a connection: of one to a client. The config must not be changed any more, other than by
// SetSessionTicketKeys.
func Server(config *tls.Config, b Buffers) *Conn {
	c := &Conn{wire: wire{buffers: b}, config: config, server: true}
	c.tls = tls.Server(&c.wire, config)
	c.inside = look(c.tls)
	return c
}

// Client returns the client's side of a connection: of one to a server. The config is as for tls.Client, and must not be changed any
// more.
func Client(config *tls.Config, b Buffers) *Conn {
	c := &Conn{wire: wire{buffers: b}, config: config}
	c.tls = tls.Client(&c.wire, config)
	c.inside = look(c.tls)
	return c
}

var (
	errKeyLog        = errors.New("tls config has a KeyLogWriter: session keys would be written down")
	errRenegotiation = errors.New("tls config allows renegotiation")
	errOldVersion    = errors.New("tls config allows versions below TLS 1.2")
)

// Check says what is wrong with a config for a Conn. Start refuses what Check does, so that session keys are never written down by
// accident.
func Check(config *tls.Config) error {
	switch {
	case config.KeyLogWriter != nil:
		return errKeyLog
	case config.Renegotiation != tls.RenegotiateNever:
		return errRenegotiation
	case config.MinVersion != 0 && config.MinVersion < tls.VersionTLS12:
		return errOldVersion
	}
	return nil
}

// Start begins the handshake. notify is called from another goroutine, or from Start itself, when Poll has something to say; then not
// again before the next Poll. A call that was on its way may still come after Abort and Close. It must not block, nor call the Conn.
func (c *Conn) Start(s *Handshaker, notify func()) {
	h := &handshake{tls: c.tls, inside: c.inside, server: c.server, notify: notify}
	c.shaker, c.wire.hs = s, h
	if err := Check(c.config); err != nil {
		s.refuse(h, &Failure{Reason: Internal, Err: err})
		return
	}
	s.start(h)
}

// Poll takes what the handshake has made: after it Out has what is to be sent. done says that the handshake is over, and err why it
// failed: always a *Failure. What it sent last, an alert perhaps, is in Out then too.
func (c *Conn) Poll() (done bool, err error) {
	if c.shaker == nil {
		return true, nil
	}
	if done, err = c.shaker.poll(c.wire.hs, &c.wire); done {
		c.shaker, c.empty = nil, true
		c.trim()
	}
	return done, err
}

// Abort ends a handshake that lasts: its deadline has passed, or the other side is gone. The Conn can only be closed then.
func (c *Conn) Abort() {
	if c.shaker != nil {
		c.shaker.abort(c.wire.hs)
	}
}

// Feed gives the Conn what the owner has received. While the handshake lasts b is copied, and more reports whether the owner may
// receive more before the next Poll. Then it is always true, and b is the Conn's until Read has said ErrAgain or another error, or
// until Keep, and is decrypted in place: a record that is in b as a whole is copied once, to where Read wants it.
func (c *Conn) Feed(b []byte) (more bool) {
	if c.shaker != nil {
		return c.shaker.feed(c.wire.hs, b)
	}
	c.wire.keepFed()
	c.wire.fed = b
	return true
}

// Keep copies what Read has not come to, so that the memory given to Feed is the owner's again. It is for an owner that cannot take
// more plaintext for now.
func (c *Conn) Keep() { c.wire.keepFed() }

// End says that the other side's stream has ended: Read says ErrTruncated when it comes there without a close_notify.
func (c *Conn) End() {
	if c.shaker != nil {
		c.shaker.finish(c.wire.hs)
		return
	}
	c.wire.ended = true
}

// Read reads plaintext. ErrAgain, never wrapped, says that more must be fed first, io.EOF that the other side has said close_notify,
// ErrTruncated that its stream ended without. Other errors are crypto/tls's; all but ErrAgain last. n is above 0 with a nil error
// alone. One call reads of one record, and a p of 16 KB takes any. There may be something to be sent afterwards, also after an error.
func (c *Conn) Read(p []byte) (n int, err error) {
	if c.shaker != nil {
		return 0, ErrAgain
	}
	if len(p) == 0 {
		return 0, c.err
	}
	if c.err == nil {
		n, c.err = c.next(p)
	}
	if err = c.err; err == ErrAgain {
		c.err = nil
	}
	return n, err
}

const (
	maxPlain = 16 << 10 // of one record: RFC 8446 section 5.1
	minTag   = 16       // what encryption adds to a record at least, in TLS 1.2 and 1.3
)

// next goes on record by record, until there is plaintext or an error.
func (c *Conn) next(p []byte) (n int, err error) {
	for err == nil && n == 0 {
		switch {
		case c.plain != nil:
			return c.readPlain(p), nil
		case c.empty && !c.wire.whole():
			err = c.wire.dry()
		case !c.lendable():
			n, err = c.tls.Read(p)
			c.empty = n < len(p)
		case min(recordLen(c.wire.source())-headerLen-minTag, maxPlain) <= len(p):
			n, err = c.readLent(p)
		default:
			c.plain = c.wire.buffers.Get(maxPlain)[:maxPlain]
			n, err = c.readLent(c.plain)
			c.plain, n = c.plain[:n], 0
			c.readPlain(nil)
		}
	}
	c.trim()
	return n, err
}

// readPlain reads what is left of a record, and gives its memory back when that is all.
func (c *Conn) readPlain(p []byte) (n int) {
	n = copy(p, c.plain[c.read:])
	if c.read += n; c.read == len(c.plain) {
		c.wire.buffers.Put(c.plain)
		c.plain, c.read = nil, 0
	}
	return n
}

// lendable reports whether crypto/tls holds nothing of its own, so that the next record can be lent to it.
func (c *Conn) lendable() bool {
	return c.empty && c.inside.known() && c.inside.empty() && c.wire.rest == 0 && !malformed(c.wire.source())
}

// readLent reads the next record alone, which crypto/tls decrypts where it is. All of it fits into p, so that nothing stays behind.
func (c *Conn) readLent(p []byte) (n int, err error) {
	b := c.wire.source()
	size := recordLen(b)
	c.inside.lend(b[:size:size])
	c.wire.lent = true
	n, err = c.tls.Read(p)
	c.wire.lent = false
	c.wire.used(size)
	if err == ErrAgain { // it was a message to TLS itself
		err = nil
	}
	return n, err
}

// trim leaves crypto/tls no memory that it does not need.
func (c *Conn) trim() {
	if c.inside.known() {
		c.inside.trim()
	}
}

// overhead is what TLS adds to p at most, by record: header, nonce, type, tag, in both versions below 64 bytes; and how many records,
// where crypto/tls begins with small ones.
func overhead(p int) int { return 64 * (p/(16<<10) + 16) }

// Write encrypts all of p, to be sent. n is len(p) but for an error, which lasts: a Conn that is broken or has said close_notify.
func (c *Conn) Write(p []byte) (n int, err error) {
	if c.shaker != nil {
		return 0, errEarly
	}
	c.wire.reserve(len(p) + overhead(len(p)))
	n, err = c.tls.Write(p)
	c.Sent(0) // which gives the memory back where nothing was written
	return n, err
}

var errEarly = errors.New("write before the tls handshake is over")

// CloseNotify has it said that nothing more will be written. What the other side writes can still be read.
func (c *Conn) CloseNotify() error {
	if c.shaker != nil {
		return errEarly
	}
	if err := c.tls.CloseWrite(); err != nil {
		return fmt.Errorf("tls close_notify: %w", err)
	}
	return nil
}

// Out is what is to be sent. It is valid until the next call but Sent.
func (c *Conn) Out() []byte { return c.wire.out[c.wire.sent:] }

// Sent says that the first n bytes of Out were sent.
func (c *Conn) Sent(n int) {
	w := &c.wire
	if w.sent += n; w.sent == len(w.out) && w.out != nil {
		w.buffers.Put(w.out)
		w.out, w.sent = nil, 0
	}
}

// Close gives all memory back, and ends a handshake that lasts. Nothing may be called then.
func (c *Conn) Close() {
	c.Abort()
	if c.plain != nil {
		c.read = len(c.plain)
		c.readPlain(nil)
	}
	c.wire.free()
}

// Info is what a handshake has come to.
type Info struct {
	Version     uint16              // tls.VersionTLS12 or tls.VersionTLS13
	CipherSuite uint16              // as in package tls
	ALPN        string              // the protocol that both agreed on; "": none
	ServerName  string              // that the client asked for; "": none
	Resumed     bool                // by a ticket, without certificates
	Peer        []*x509.Certificate // of the other side, its own first; empty: none shown
}

// Info tells what the handshake has come to, once it is over.
func (c *Conn) Info() Info {
	s := c.tls.ConnectionState()
	return Info{
		Version: s.Version, CipherSuite: s.CipherSuite, ALPN: s.NegotiatedProtocol, ServerName: s.ServerName,
		Resumed: s.DidResume, Peer: s.PeerCertificates,
	}
}
