package secure

import (
	"crypto/tls"
	"runtime"
	"testing"
)

// heap is what is allocated and still in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// idle makes connections, has each used, and returns the bytes that a server's side keeps.
func idleBytes(t testing.TB, server, client *tls.Config, use func(s, c *side)) int64 {
	const conns = 200
	var buffers FreeList
	all := make([]*Conn, 0, conns)
	make1 := func() {
		shaker := NewHandshaker(Limits{Workers: 1, Open: 2})
		s, c := &side{Conn: Server(server, &buffers), shaker: shaker}, &side{Conn: Client(client, &buffers), shaker: shaker}
		s.Start(shaker, func() {})
		c.Start(shaker, func() {})
		shake(s, c, 1<<20)
		if !s.done || s.err != nil || !c.done || c.err != nil {
			t.Fatalf("handshake: server %v, client %v", s.err, c.err)
		}
		use(s, c)
		all = append(all, s.Conn)
	}
	make1()
	before := heap()
	for range conns {
		make1()
	}
	got := (heap() - before) / conns
	runtime.KeepAlive(all)
	runtime.KeepAlive(&buffers)
	return got
}

func TestIdleMemory(t *testing.T) {
	server, client := configs(t)
	for _, tt := range []struct {
		name string
		size int
	}{{"1 KB", 1 << 10}, {"16 KB", 16 << 10}, {"1 MB", 1 << 20}} {
		t.Run(tt.name, func(t *testing.T) {
			got := idleBytes(t, server, client, func(s, c *side) {
				for sent := 0; sent < tt.size; {
					n := min(tt.size, 64<<10)
					c.Write(make([]byte, n))
					send(t, c, s)
					sent += n
				}
				s.Write(make([]byte, 1<<10))
				send(t, s, c)
			})
			t.Logf("after %s: %d bytes", tt.name, got)
		})
	}
}
