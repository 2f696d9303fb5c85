package loadtest

import (
	"crypto/tls"
	"fmt"
	"time"
)

// tlsConfig trusts the balancer's certificate, and offers both protocols as browsers do.
func (w *worker) tlsConfig() *tls.Config {
	return &tls.Config{RootCAs: w.Target.Roots, ServerName: host, NextProtos: []string{"http/1.1"}}
}

func tls12(w *worker) { w.secure(tls.VersionTLS12) }
func tls13(w *worker) { w.secure(tls.VersionTLS13) }

// secure makes requests over a connection of one version of TLS.
func (w *worker) secure(version uint16) {
	config := w.tlsConfig()
	config.MinVersion, config.MaxVersion = version, version
	w.over(config, 5)
}

// over makes n requests over one connection, and says how it was made.
func (w *worker) over(config *tls.Config, n int) (state tls.ConnectionState, ok bool) {
	c := w.dial(config)
	if c == nil {
		return state, false
	}
	defer c.Close()
	for range n {
		if c.spent {
			break
		}
		c.ask(w.exchange(), options{})
	}
	return c.Conn.(*tls.Conn).ConnectionState(), true
}

// tlsResumed connects several times with what it learned at the first. Whether the balancer takes a ticket is its own
// affair (it may have new keys), so that is counted.
func tlsResumed(w *worker) {
	config := w.tlsConfig()
	config.MaxVersion = [...]uint16{tls.VersionTLS12, tls.VersionTLS13}[w.random.IntN(2)]
	config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	for i := range 4 {
		state, ok := w.over(config, 2)
		if !ok {
			return
		}
		if state.Version != config.MaxVersion {
			w.conclude(w.script(), "", time.Now(), fmt.Errorf("TLS version %#04x, want %#04x", state.Version, config.MaxVersion))
		}
		switch {
		case state.DidResume:
			w.Report.note(NoteResumed)
		case i > 0:
			w.Report.note(NoteNotResumed)
		}
	}
}

// Notes of a Report: handshakes that could have been resumed.
const (
	NoteResumed    = "handshakes resumed"
	NoteNotResumed = "handshakes not resumed"
)
