package persist

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandem-lb/tandem/proxy/upstream"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestSources(t *testing.T) {
	t.Parallel()
	a, b := newServer("a"), newServer("b")
	s := NewSources(SourcesConfig{Size: 10, Expire: time.Minute, IPv6Prefix: 64})
	s.Learn(now, ip("192.0.2.1"), a)
	s.Learn(now, ip("2001:db8::1"), b)
	for client, want := range map[string]*upstream.Server{
		"192.0.2.1": a, "::ffff:192.0.2.1": a, "192.0.2.2": nil,
		"2001:db8::1": b, "2001:db8::ffff:0:0:7": b, "2001:db8::1%eth0": b, "2001:db8:0:1::1": nil,
	} {
		if got := s.Find(now, ip(client)); got != want {
			t.Errorf("%s: got %v, want %v", client, got, want)
		}
	}
	s.Learn(now, ip("192.0.2.1"), b)
	if got := s.Find(now, ip("192.0.2.1")); got != b {
		t.Errorf("taught another server: got %v, want b", got)
	}
	if got, want := s.Stats(), (SourcesStats{Clients: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSourcesExpire(t *testing.T) {
	t.Parallel()
	s := NewSources(SourcesConfig{Size: 10, Expire: time.Minute, IPv6Prefix: 64})
	a := newServer("a")
	for i := range 10 {
		s.Learn(now, ip(fmt.Sprintf("192.0.2.%d", i)), a)
	}
	at := now
	for range 3 { // requests keep it
		at = at.Add(time.Minute)
		if s.Find(at, ip("192.0.2.1")) != a {
			t.Fatalf("forgotten %v after the request before", time.Minute)
		}
	}
	if got := s.Find(at.Add(time.Minute+1), ip("192.0.2.1")); got != nil {
		t.Errorf("not forgotten: got %v", got)
	}
	for i := range 5 { // those that do not come back go when others come
		s.Learn(at, ip(fmt.Sprintf("198.51.100.%d", i)), a)
	}
	if got, want := s.Stats(), (SourcesStats{Clients: 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSourcesAreBounded(t *testing.T) {
	t.Parallel()
	s := NewSources(SourcesConfig{Size: 3, Expire: time.Hour, IPv6Prefix: 64})
	a := newServer("a")
	for i := range 3 {
		s.Learn(now, ip(fmt.Sprintf("192.0.2.%d", i)), a)
	}
	s.Find(now, ip("192.0.2.0"))
	s.Learn(now, ip("192.0.2.3"), a) // the one that was not there for longest makes room
	for i, want := range []bool{true, false, true, true} {
		if got := s.Find(now, ip(fmt.Sprintf("192.0.2.%d", i))) != nil; got != want {
			t.Errorf("client %d: known %t, want %t", i, got, want)
		}
	}
	if got, want := s.Stats(), (SourcesStats{Clients: 3, Evicted: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	l := NewSources(SourcesConfig{Size: large, Expire: time.Hour, IPv6Prefix: 64})
	for i := range 4 * large {
		l.Learn(now, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), a)
	}
	if got, want := l.Stats(), (SourcesStats{Clients: large, Evicted: 3 * large}); got != want {
		t.Errorf("large: got %+v, want %+v", got, want)
	}
	for i := range l.parts { // one that has made room is used again
		if got, want := len(l.parts[i].entries), large/manyParts+1; got != want {
			t.Errorf("part %d: memory for %d entries, want %d", i, got, want)
		}
	}
}

func TestSourcesTake(t *testing.T) {
	t.Parallel()
	old, a := NewSources(SourcesConfig{Size: 100, Expire: time.Hour, IPv6Prefix: 128}), newServer("a")
	for i := range 10 {
		old.Learn(now.Add(time.Duration(i)), ip(fmt.Sprintf("192.0.2.%d", i)), a)
	}
	old.Learn(now.Add(20), ip("2001:db8::1"), a)
	s := NewSources(SourcesConfig{Size: 3, Expire: time.Hour, IPv6Prefix: 64})
	s.Take(old)
	for client, want := range map[string]bool{"192.0.2.7": false, "192.0.2.8": true, "192.0.2.9": true, "2001:db8::2": true} {
		if got := s.Find(now, ip(client)) != nil; got != want {
			t.Errorf("%s: known %t, want %t", client, got, want)
		}
	}
}

// Whatever happens, the ring and the map hold the same, and it is what a list would hold.
func TestSourcesAreAList(t *testing.T) {
	t.Parallel()
	type known struct {
		client netip.Addr
		server *upstream.Server
	}
	rapid.Check(t, func(r *rapid.T) {
		size := rapid.IntRange(1, 6).Draw(r, "size")
		s := NewSources(SourcesConfig{Size: size, Expire: time.Hour, IPv6Prefix: 64})
		servers := []*upstream.Server{newServer("a"), newServer("b")}
		var list []known // the oldest first
		take := func(c netip.Addr) *upstream.Server {
			for i, k := range list {
				if k.client == c {
					list = append(list[:i:i], list[i+1:]...)
					return k.server
				}
			}
			return nil
		}
		for range rapid.IntRange(0, 60).Draw(r, "steps") {
			c := netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(r, "client") % 9})
			want := take(c)
			if rapid.Bool().Draw(r, "learn") {
				want = rapid.SampledFrom(servers).Draw(r, "server")
				s.Learn(now, c, want)
			} else if got := s.Find(now, c); got != want {
				r.Fatalf("%v: got %v, want %v", c, got, want)
			}
			if want != nil {
				list = append(list, known{c, want})
			}
			if len(list) > size {
				list = list[1:]
			}
			if got := s.Stats().Clients; got != len(list) {
				r.Fatalf("got %d clients, want %d", got, len(list))
			}
		}
	})
}

func TestSourcesFault(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]SourcesConfig{
		"<nil>": {1, 1, 1},
		"table for 0 clients, want 1 to 10000000":             {0, 1, 1},
		"table remembers clients for 0s, want more than 0":    {1, 0, 1},
		"table knows IPv6 clients by 129 bits, want 1 to 128": {1, 1, 129},
	} {
		if got := fmt.Sprint(c.Fault()); got != want {
			t.Errorf("%+v: got %s, want %s", c, got, want)
		}
	}
}

func TestSourcesAreForMany(t *testing.T) {
	t.Parallel()
	s, a := NewSources(SourcesConfig{Size: large, Expire: time.Hour, IPv6Prefix: 64}), newServer("a")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 2000 {
				c := netip.AddrFrom4([4]byte{10, byte(i), byte(j >> 8), byte(j)})
				s.Learn(now, c, a)
				if s.Find(now, c) != a {
					t.Errorf("%v is not known", c)
					return
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkSources(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, a := NewSources(SourcesConfig{Size: n, Expire: time.Hour, IPv6Prefix: 64}), newServer("a")
			client := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
			for i := range n {
				s.Learn(now, client(i), a)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				s.Find(now, client(i%n))
				i += 7919
			}
		})
	}
}

func BenchmarkCookie(b *testing.B) {
	for name, c := range map[string]Config{"plain": {Indirect: true}, "sealed with dates": {Indirect: true, Secret: make([]byte, 32), MaxIdle: time.Hour}} {
		b.Run(name, func(b *testing.B) {
			s := newSite(b, c)
			var r Response
			var into []*upstream.Server
			r.Start(s.Cookie, now, s.servers[1], Visit{State: None})
			cookie := string(r.appendCookie(nil))
			var f Fields = fields{"session=0123456789abcdef; " + cookie[:len(cookie)-len("; path=/")]}
			b.ReportAllocs()
			for b.Loop() {
				var v Visit
				if v, into = s.Read(now, f, into[:0]); v.State != Valid {
					b.Fatalf("got %c", v.State)
				}
			}
		})
	}
}

// Clients of a Unix socket have no address. They are not one client.
func TestSourcesWithoutAddress(t *testing.T) {
	t.Parallel()
	s := NewSources(SourcesConfig{Size: 10, Expire: time.Minute, IPv6Prefix: 64})
	s.Learn(now, netip.Addr{}, newServer("a"))
	if got := s.Find(now, netip.Addr{}); got != nil || s.Stats() != (SourcesStats{}) {
		t.Errorf("got %v, %+v, want nobody", got, s.Stats())
	}
}
