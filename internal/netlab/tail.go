package netlab

import "sync"

// tailLen is how many octets of a process's output are kept.
const tailLen = 64 << 10

// tail is a writer that keeps the end of what it was given. The zero value is empty.
type tail struct {
	mu  sync.Mutex // guards buf
	buf []byte     // at most twice tailLen
}

// Write never fails.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	b = b[max(0, n-tailLen):]
	if len(t.buf)+len(b) > 2*tailLen {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailLen:]...)
	}
	t.buf = append(t.buf, b...)
	return n, nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf[max(0, len(t.buf)-tailLen):])
}
