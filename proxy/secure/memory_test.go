package secure

import (
	"crypto/tls"
	"runtime"
	"testing"
)

// idleLimit is what one side of an idle connection may keep on the heap, in bytes: a tls.Conn, two ciphers and little else. The target
// for the process is 10,000 for each, with what the loop, the engine, HTTP and the collector add.
const idleLimit = 5000

// heap is what is allocated and still in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// idleBytes makes connections, has each used, and returns the bytes that a server's side keeps.
func idleBytes(t testing.TB, server, client *tls.Config, use func(s, c *side)) int64 {
	const conns = 100
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
	}{{"nothing", 0}, {"1 KB", 1 << 10}, {"1 MB", 1 << 20}} {
		t.Run(tt.name, func(t *testing.T) {
			got := idleBytes(t, server, client, func(s, c *side) {
				if tt.size == 0 {
					return
				}
				for sent := 0; sent < tt.size; {
					n := min(tt.size, 64<<10)
					c.Write(make([]byte, n))
					send(t, c, s)
					sent += n
				}
				s.Write(make([]byte, 1<<10))
				send(t, s, c)
			})
			if got > idleLimit {
				t.Errorf("after %s: %d bytes, want at most %d", tt.name, got, idleLimit)
			}
			t.Logf("after %s: %d bytes", tt.name, got)
		})
	}
}

// halfOpenLimit is what a handshake may keep whose client has sent its hello and nothing since, in bytes: 8 KB of stack, and what
// crypto/tls has made of the hello and the keys. It was 6 KB more when what had been read and sent stayed too.
const halfOpenLimit = 20_000

func TestHalfOpenHandshakeMemory(t *testing.T) {
	const conns = 200
	server, client := configs(t)
	hello := start(t, Client(client, &FreeList{})).take()
	shaker := NewHandshaker(Limits{Workers: 1, Open: conns + 1})
	var buffers FreeList
	all := make([]*Conn, 0, conns+1)
	half := func() {
		c := Server(server, &buffers)
		all = append(all, c)
		c.Start(shaker, func() {})
		c.Feed(hello)
		work(shaker)
		if done, err := c.Poll(); done || len(c.Out()) < 1000 {
			t.Fatalf("the handshake is over: %v, %v; or the server has said %d bytes", done, err, len(c.Out()))
		}
		c.Sent(len(c.Out()))
	}
	half()
	before := heap()
	for range conns {
		half()
	}
	if got := (heap() - before) / conns; got > halfOpenLimit && !race { // whose detector keeps more
		t.Errorf("%d bytes each, want at most %d", got, halfOpenLimit)
	} else {
		t.Logf("%d bytes each", got)
	}
	for _, c := range all {
		c.Close()
	}
	work(shaker)
	runtime.KeepAlive(&buffers)
}

func TestReadsAndWritesAllocateNothing(t *testing.T) {
	if race {
		t.Skip("crypto/tls has a sync.Pool, which loses a part of what it is given under the race detector")
	}
	server, client := configs(t)
	for _, tt := range []struct{ n, room int }{{1 << 10, 16 << 10}, {64 << 10, 16 << 10}, {1 << 10, 700}, {64 << 10, 20000}, {64 << 10, 700}} {
		n := tt.n
		from, to := pair(t, server, client)
		p, q, scratch := make([]byte, n), make([]byte, tt.room), make([]byte, 80<<10)
		once := func() {
			if _, err := from.Write(p); err != nil {
				t.Fatal(err)
			}
			m := copy(scratch, from.Out())
			from.Sent(m)
			to.Feed(scratch[:m/2]) // a record is cut
			for err := error(nil); err == nil; _, err = to.Read(q) {
			}
			to.Feed(scratch[m/2 : m])
			for err := error(nil); err == nil; _, err = to.Read(q) {
			}
			from, to = to, from
		}
		for range 20 { // until records are as large as they get
			once()
		}
		if got := testing.AllocsPerRun(100, once); got > 0 {
			t.Errorf("%d bytes, %d at a time: %v allocations, want 0", n, tt.room, got)
		}
	}
}

// lender counts what it lends.
type lender struct {
	FreeList
	lent int
}

func (l *lender) Get(n int) []byte {
	l.lent++
	return l.FreeList.Get(n)
}

func (l *lender) Put(b []byte) {
	l.lent--
	l.FreeList.Put(b)
}

func TestCloseGivesAllMemoryBack(t *testing.T) {
	server, client := configs(t)
	var l lender
	s, c := start(t, Server(server, &l)), start(t, Client(client, &FreeList{}))
	shake(s, c, 1<<20)
	if l.lent != 0 {
		t.Errorf("%d buffers lent to an idle connection", l.lent)
	}
	c.Write(make([]byte, 1000))
	c.Write(make([]byte, 1000))
	s.Feed(c.take())
	s.Read(make([]byte, 10))
	s.Keep()
	s.Write([]byte("not sent"))
	if l.lent != 3 { // the rest of a record, the next one, what is to be sent
		t.Errorf("%d buffers lent, want 3", l.lent)
	}
	s.Close()
	if l.lent != 0 {
		t.Errorf("%d buffers lent after Close", l.lent)
	}
}
