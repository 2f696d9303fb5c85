package certs

import (
	"io"
	"net"
	"sync"
	"time"
)

// flow is one direction of a connection in memory. Unlike net.Pipe it takes all that is written: both ends of a TLS
// connection may write at the same time.
type flow struct {
	mu     sync.Mutex
	more   *sync.Cond
	data   []byte // guarded by mu
	closed bool   // guarded by mu
}

func newFlow() *flow {
	f := &flow{}
	f.more = sync.NewCond(&f.mu)
	return f
}

func (f *flow) write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0, io.ErrClosedPipe
	}
	f.data = append(f.data, p...)
	f.more.Broadcast()
	return len(p), nil
}

func (f *flow) read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.data) == 0 && !f.closed {
		f.more.Wait()
	}
	if len(f.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, f.data)
	f.data = f.data[n:]
	return n, nil
}

func (f *flow) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.more.Broadcast()
}

// end is one end of a connection in memory. It has no deadlines.
type end struct{ in, out *flow }

var _ net.Conn = end{}

func pipe() (a, b end) {
	there, back := newFlow(), newFlow()
	return end{in: back, out: there}, end{in: there, out: back}
}

func (e end) Read(p []byte) (int, error)       { return e.in.read(p) }
func (e end) Write(p []byte) (int, error)      { return e.out.write(p) }
func (e end) Close() error                     { e.in.close(); e.out.close(); return nil }
func (e end) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (e end) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (e end) SetDeadline(time.Time) error      { return nil }
func (e end) SetReadDeadline(time.Time) error  { return nil }
func (e end) SetWriteDeadline(time.Time) error { return nil }
