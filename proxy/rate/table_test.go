package rate

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var start = time.Unix(1_000_000, 0)

var (
	usual = Clients{IPv4Prefix: 32, IPv6Prefix: 64, TableSize: 1000}
	tenth = Pace{Count: 10, Per: time.Second, Burst: 3} // one in 100 ms, three at once
)

// numbered is one of many addresses.
func numbered(n int) netip.Addr {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], 10<<24+uint32(n))
	return netip.AddrFrom4(a)
}

func TestTake(t *testing.T) {
	type ask struct {
		ms   int
		from string
		wait int // ms; 0: it may
	}
	const one = "192.0.2.1"
	for _, tt := range []struct {
		name    string
		clients Clients
		asks    []ask
	}{
		{"a burst, then in turn", usual, []ask{{0, one, 0}, {0, one, 0}, {0, one, 0}, {0, one, 90}, {89, one, 1}, {90, one, 0}, {100, one, 90}}},
		{"who is refused is not put off", usual, []ask{{0, one, 0}, {0, one, 0}, {0, one, 0}, {50, one, 40}, {60, one, 30}, {100, one, 0}}},
		{"who keeps to the rate is never refused", usual, []ask{{0, one, 0}, {100, one, 0}, {200, one, 0}, {300, one, 0}, {400, one, 0}, {500, one, 0}}},
		{"nothing is saved up beyond the burst", usual, []ask{{0, one, 0}, {60_000, one, 0}, {60_000, one, 0}, {60_000, one, 0}, {60_000, one, 90}}},
		{"others are others", usual, []ask{{0, one, 0}, {0, one, 0}, {0, one, 0}, {0, "192.0.2.2", 0}}},
		{"IPv4 in IPv6 is IPv4", usual, []ask{{0, one, 0}, {0, "::ffff:192.0.2.1", 0}, {0, one, 0}, {0, "::ffff:192.0.2.1", 90}}},
		{"an IPv6 network is one client", usual, []ask{{0, "2001:db8::1", 0}, {0, "2001:db8::2", 0}, {0, "2001:db8::3", 0}, {0, "2001:db8::4", 90}, {0, "2001:db8:0:1::1", 0}}},
		{"a zone is no other client", usual, []ask{{0, "fe80::1%a", 0}, {0, "fe80::1%b", 0}, {0, "fe80::1", 0}, {0, "fe80::1%c", 90}}},
		{"an IPv4 network is one client", Clients{24, 128, 10}, []ask{{0, one, 0}, {0, "192.0.2.2", 0}, {0, "192.0.2.255", 0}, {0, "192.0.2.0", 90}, {0, "192.0.3.1", 0}}},
		{"an IPv6 address is one client", Clients{24, 128, 10}, []ask{{0, "2001:db8::1", 0}, {0, "2001:db8::2", 0}, {0, "2001:db8::1", 0}, {0, "2001:db8::1", 0}, {0, "2001:db8::1", 90}}},
		{"a clock that goes back", usual, []ask{{1000, one, 0}, {1000, one, 0}, {1000, one, 0}, {500, one, 100}}},
		{"loops whose clocks differ", usual, []ask{{1009, one, 0}, {1000, one, 0}, {1005, one, 0}, {1000, one, 99}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table := NewTable(tt.clients)
			for i, a := range tt.asks {
				wait, ok := table.Take(start.Add(time.Duration(a.ms)*time.Millisecond), netip.MustParseAddr(a.from), tenth)
				if ok != (a.wait == 0) || wait != time.Duration(a.wait)*time.Millisecond {
					t.Errorf("question %d: got %v, %t, want %d ms", i+1, wait, ok, a.wait)
				}
			}
		})
	}
}

// Somebody who was slowed down much may go on as soon as that was taken back.
func TestAnotherPace(t *testing.T) {
	table, from := NewTable(usual), numbered(1)
	hour := Pace{Count: 1, Per: time.Hour, Burst: 5}
	for range 5 {
		table.Take(start, from, hour)
	}
	if wait, ok := table.Take(start, from, hour); ok || wait != time.Hour-skew {
		t.Fatalf("got %v, %t, want an hour", wait, ok)
	}
	if wait, ok := table.Take(start, from, tenth); ok || wait != 100*time.Millisecond {
		t.Errorf("got %v, %t, want 100 ms: it has used up all", wait, ok)
	}
	if _, ok := table.Take(start.Add(100*time.Millisecond), from, tenth); !ok {
		t.Error("it may not go on")
	}
}

// A table that is full forgets who is nearest to being forgotten anyway, stays as large as it is, and refuses nobody for it.
func TestFullTable(t *testing.T) {
	c := usual
	c.TableSize = 1
	table := NewTable(c) // one set
	heavy := netip.MustParseAddr("192.0.2.1")
	for range 3 {
		table.Take(start, heavy, tenth)
	}
	for n := range 1000 {
		if _, ok := table.Take(start, numbered(n), tenth); !ok {
			t.Fatalf("client %d is refused", n)
		}
	}
	if _, ok := table.Take(start, heavy, tenth); ok {
		t.Error("the one that asks most was forgotten")
	}
	if n, want := table.Forgotten(), int64(1000-(ways-1)); n != want {
		t.Errorf("%d were forgotten, want %d", n, want)
	}
	late := start.Add(time.Hour)
	for n := range ways {
		table.Take(late, numbered(n), tenth)
	}
	if n, want := table.Forgotten(), int64(1000-(ways-1)); n != want {
		t.Errorf("%d were forgotten, want still %d: the time of the others had passed", n, want)
	}
}

func TestLoopsShareATable(t *testing.T) {
	table, p := NewTable(usual), tenth
	p.Burst = 1000
	var let, entered atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				if _, ok := table.Take(start, numbered(1), p); ok {
					let.Add(1)
				}
				if table.Enter(start, numbered(2), 77, Pace{}) == Entered {
					entered.Add(1)
				}
			}
		})
	}
	all.Wait()
	if let.Load() != 1000 || entered.Load() != 77 {
		t.Errorf("%d were let and %d have entered, want 1000 and 77", let.Load(), entered.Load())
	}
}

func TestEnter(t *testing.T) {
	type step struct {
		ms   int
		from string
		want Entry // Unknown: it leaves
	}
	const one = "192.0.2.1"
	in, out := Entered, Unknown
	for _, tt := range []struct {
		name  string
		most  int
		pace  Pace
		steps []step
	}{
		{"so many at once", 2, Pace{}, []step{{0, one, in}, {0, one, in}, {0, one, TooMany}, {0, one, out}, {0, one, in}, {0, one, TooMany}}},
		{"others are others", 1, Pace{}, []step{{0, one, in}, {0, "192.0.2.2", in}, {0, one, TooMany}, {0, "192.0.2.2", TooMany}}},
		{"a network is one client", 2, Pace{}, []step{{0, "2001:db8::1", in}, {0, "2001:db8::2", in}, {0, "2001:db8::3", TooMany}, {0, "2001:db8::1", out}, {0, "2001:db8::3", in}}},
		{"at a pace", 0, tenth, []step{{0, one, in}, {0, one, in}, {0, one, in}, {0, one, TooSoon}, {100, one, in}, {100, one, TooSoon}}},
		{"who leaves has come all the same", 0, tenth, []step{{0, one, in}, {0, one, out}, {0, one, in}, {0, one, out}, {0, one, in}, {0, one, out}, {0, one, TooSoon}}},
		{"who has too many uses up nothing", 1, tenth, []step{{0, one, in}, {0, one, TooMany}, {0, one, TooMany}, {0, one, TooMany}, {0, one, out}, {0, one, in}, {0, one, out}, {0, one, in}}},
		{"anything", 0, Pace{}, []step{{0, one, in}, {0, one, in}, {0, one, in}, {0, one, in}, {0, one, in}, {0, one, in}, {0, one, in}, {0, one, in}, {0, one, in}, {0, one, in}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table := NewTable(usual)
			for i, s := range tt.steps {
				from := netip.MustParseAddr(s.from)
				if s.want == out {
					table.Leave(from)
					continue
				}
				if got := table.Enter(start.Add(time.Duration(s.ms)*time.Millisecond), from, tt.most, tt.pace); got != s.want {
					t.Errorf("step %d: got %d, want %d", i+1, got, s.want)
				}
			}
		})
	}
}

// Clients that have connections keep their place: what they have is never forgotten, and who finds no place comes all the same.
func TestFullTableOfConnections(t *testing.T) {
	c := usual
	c.TableSize = 1
	table := NewTable(c) // one set
	for n := range ways {
		if got := table.Enter(start, numbered(n), 1, Pace{}); got != Entered {
			t.Fatalf("client %d: got %d, want %d", n, got, Entered)
		}
	}
	late := start.Add(time.Hour)
	for n := ways; n < 100; n++ {
		if got := table.Enter(late, numbered(n), 1, Pace{}); got != Unknown {
			t.Fatalf("client %d: got %d, want %d", n, got, Unknown)
		}
	}
	for n := range ways {
		if got := table.Enter(late, numbered(n), 1, Pace{}); got != TooMany {
			t.Errorf("client %d: got %d, want %d", n, got, TooMany)
		}
	}
	if n, want := table.Forgotten(), int64(100-ways); n != want {
		t.Errorf("there was no room for %d, want %d", n, want)
	}
	table.Leave(numbered(3))
	if got := table.Enter(late, numbered(100), 1, Pace{}); got != Entered {
		t.Errorf("who comes when one has left: got %d, want %d", got, Entered)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	table, from := NewTable(usual), netip.MustParseAddr("2001:db8::1")
	if n := testing.AllocsPerRun(100, func() {
		table.Take(start, from, tenth)
		if table.Enter(start, from, 0, Pace{}) == Entered {
			table.Leave(from)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkTake(b *testing.B) {
	for _, tt := range []struct {
		name    string
		clients int
	}{{"clients=1000", 1000}, {"clients=1000000", 1_000_000}} {
		b.Run(tt.name, func(b *testing.B) {
			c := usual
			c.TableSize = tt.clients
			table := NewTable(c)
			n := uint32(0)
			b.ReportAllocs()
			for b.Loop() {
				n += 2654435761
				table.Take(start, numbered(int(n%uint32(tt.clients))), tenth)
			}
		})
	}
	b.Run("one client of four loops", func(b *testing.B) {
		table := NewTable(usual)
		b.ReportAllocs()
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				table.Take(start, numbered(1), tenth)
			}
		})
	})
}
