package secure

import (
	"errors"
	"net"
	"time"
)

// ErrAgain says that there is no plaintext until more has been fed.
var ErrAgain error = again{}

// ErrTruncated says that the other side ended the stream without a close_notify, or in the middle of a record: somebody may have cut
// it short (RFC 8446 section 6.1).
var ErrTruncated = errors.New("tls stream ended without close_notify")

// again is what crypto/tls takes for a passing error, after which it can go on where it was: it asks the very value that it got,
// so that it must be a net.Error itself and not wrap one.
type again struct{}

var _ net.Error = again{}

func (again) Error() string   { return "tls: more ciphertext wanted" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

// wire is what crypto/tls takes for the network. It hands out whole records, one at a time, so that crypto/tls never holds a part of
// the next one.
type wire struct {
	buffers Buffers
	hs      *handshake // while it runs, the bytes are its own

	// What came: kept is older than fed. Both are whole records and a part of one at the end.
	fed   []byte // the owner's memory, until it has it back
	kept  []byte // from buffers; nil: nothing
	at    int    // of kept that is used up
	rest  int    // of the record that was handed out in part
	lent  bool   // crypto/tls has the next record already, and gets no other
	ended bool   // nothing more will come
	out   []byte // from buffers: to be sent; nil: nothing
	sent  int    // of out
}

var _ net.Conn = (*wire)(nil)

// Read hands out bytes of one record.
func (w *wire) Read(p []byte) (int, error) {
	if w.hs != nil {
		return w.hs.read(p)
	}
	if w.lent {
		return 0, ErrAgain
	}
	if w.rest == 0 && !w.whole() {
		return 0, w.dry()
	}
	n := handOut(p, w.source(), &w.rest)
	w.used(n)
	return n, nil
}

// dry says why there is no whole record, and gives the owner its memory back.
func (w *wire) dry() error {
	w.keepFed()
	if w.ended {
		return ErrTruncated
	}
	return ErrAgain
}

// whole reports whether source begins with all of a record, and completes it from fed where it can.
func (w *wire) whole() bool {
	for !wholeRecord(w.source()) {
		if w.kept == nil || len(w.fed) == 0 {
			return false
		}
		have := w.kept[w.at:]
		want := max(recordLen(have), headerLen)
		n := min(want-len(have), len(w.fed))
		w.keep(w.fed[:n], want)
		w.fed = w.fed[n:]
	}
	return true
}

// source is the older of what came.
func (w *wire) source() []byte {
	if w.kept != nil {
		return w.kept[w.at:]
	}
	return w.fed
}

// used drops n bytes of source.
func (w *wire) used(n int) {
	if w.kept == nil {
		w.fed = w.fed[n:]
		return
	}
	w.at += n
	if w.at == len(w.kept) {
		w.buffers.Put(w.kept)
		w.kept, w.at = nil, 0
	}
}

// keep appends to kept, with room for a record of n bytes.
func (w *wire) keep(b []byte, n int) {
	have := w.kept[w.at:]
	n = max(n, len(have)+len(b))
	if cap(w.kept) < w.at+n {
		bigger := append(w.buffers.Get(n), have...)
		if w.kept != nil {
			w.buffers.Put(w.kept)
		}
		w.kept, w.at = bigger, 0
	}
	w.kept = append(w.kept, b...)
}

// keepFed gives the owner its memory back.
func (w *wire) keepFed() {
	if len(w.fed) > 0 {
		w.keep(w.fed, recordLen(w.fed))
	}
	w.fed = nil
}

// Write collects what is to be sent.
func (w *wire) Write(p []byte) (int, error) {
	if w.hs != nil {
		return w.hs.write(p)
	}
	w.reserve(len(p))
	w.out = append(w.out, p...)
	return len(p), nil
}

// reserve makes room for n bytes at the end of out.
func (w *wire) reserve(n int) {
	if n <= cap(w.out)-len(w.out) {
		return
	}
	left := w.out[w.sent:]
	bigger := append(w.buffers.Get(len(left)+n), left...)
	if w.out != nil {
		w.buffers.Put(w.out)
	}
	w.out, w.sent = bigger, 0
}

// free gives all memory back.
func (w *wire) free() {
	if w.kept != nil {
		w.buffers.Put(w.kept)
	}
	if w.out != nil {
		w.buffers.Put(w.out)
	}
	w.fed, w.kept, w.out, w.at, w.sent, w.rest = nil, nil, nil, 0, 0, 0
}

// Close does nothing: the owner closes the socket.
func (w *wire) Close() error { return nil }

// LocalAddr has no meaning here; what asks for it learns no address.
func (w *wire) LocalAddr() net.Addr { return noAddr{} }

// RemoteAddr has no meaning here either.
func (w *wire) RemoteAddr() net.Addr { return noAddr{} }

// SetDeadline does nothing, nor do the other two: deadlines are the owner's, and nothing here blocks.
func (w *wire) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// noAddr is the address of what has none.
type noAddr struct{}

func (noAddr) Network() string { return "memory" }
func (noAddr) String() string  { return "memory" }
