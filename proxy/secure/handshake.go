package secure

import (
	"context"
	"crypto/tls"
	"io"
	"iter"
)

// maxAhead is how much is taken of what the other side sends before the handshake is over. A client says what it wants right after
// its part of the handshake.
const maxAhead = 32 << 10

// stage is where a handshake stands.
type stage uint8

const (
	idle    stage = iota // it waits for the other side
	queued               // it waits for a worker
	running              // on a worker
	over
)

// handshake is a handshake of crypto/tls, which can only block, made one that does not: it runs as a coroutine on whichever worker is
// free, and hands back to the worker where it would wait for the other side.
type handshake struct {
	tls    *tls.Conn
	inside inside
	server bool
	notify func()

	// Guarded by Handshaker.mu.
	stage   stage
	started bool // the coroutine is there
	ended   bool // nothing more will come from the other side
	aborted bool // nobody waits for it any more
	crowded bool // it makes room for another one
	told    bool // notify was called since the owner has last looked
	hello   helloScan
	in      []byte // what came and no worker has taken
	out     []byte // what the owner has not taken
	err     error  // when it is over
	queue   *queue // that it is in; nil: none
	before  *handshake
	after   *handshake

	// The worker's that it runs on.
	resume func() (struct{}, bool)
	stop   func()
	wait   func(struct{}) bool // in the coroutine, until there is more; false: give up
	taken  []byte              // whole records
	rest   int                 // of the record that was handed out in part
	last   bool                // nothing comes after taken
	made   []byte              // to be sent
	alert  uint8               // that this side sent in the clear
	result error
}

// due reports whether a worker has something to do. Handshaker.mu is held.
func (h *handshake) due() bool {
	switch {
	case h.ended:
		return true
	case !h.started:
		// A goroutine for each client that sends a hello slowly, or none, would be what it costs least to make many of.
		return !h.server || len(h.in) > maxAhead || h.hello.done(h.in)
	}
	return wholeRecord(h.in)
}

// take hands whole records to the worker. Handshaker.mu is held.
func (h *handshake) take() {
	n := 0
	for wholeRecord(h.in[n:]) {
		n += recordLen(h.in[n:])
	}
	h.taken, h.in = h.in[:n:n], h.in[n:]
	if len(h.in) == 0 {
		h.in = nil // with the memory, which taken has
	}
	h.last = h.ended
}

// step goes on until the handshake is over or has to wait.
func (h *handshake) step() (done bool) {
	if h.resume == nil {
		h.resume, h.stop = iter.Pull(h.shake)
	}
	_, waits := h.resume()
	return !waits
}

// shake is the coroutine.
func (h *handshake) shake(wait func(struct{}) bool) {
	h.wait = wait
	h.result = h.tls.HandshakeContext(context.Background())
}

// read is what crypto/tls reads by, while the handshake lasts.
func (h *handshake) read(p []byte) (int, error) {
	for h.rest == 0 && !wholeRecord(h.taken) {
		if h.last || !h.wait(struct{}{}) {
			return 0, io.ErrUnexpectedEOF
		}
	}
	n := handOut(p, h.taken, &h.rest)
	h.taken = h.taken[n:]
	return n, nil
}

// write is what crypto/tls writes by, while the handshake lasts. After it crypto/tls waits for the other side, which may take its time:
// what it has read of it does not stay until then.
func (h *handshake) write(p []byte) (int, error) {
	if h.inside.known() {
		h.inside.trim()
	}
	if alert, ok := lastAlert(p); ok {
		h.alert = alert
	}
	h.made = append(h.made, p...)
	return len(p), nil
}

// gather hands over what the worker's run has made. Handshaker.mu is held.
func (h *handshake) gather() {
	if len(h.out) == 0 {
		h.out, h.made = h.made, h.out
		return
	}
	h.out = append(h.out, h.made...)
	h.made = h.made[:0]
}

// outcome is how a handshake that is over went.
func (h *handshake) outcome() error {
	if h.result == nil {
		return nil
	}
	return failure(h.result, h.alert)
}
