package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/tandem-lb/tandem/proxy/resolve/resolvetest"
)

// asking returns a client and how it asks a server of the test, with neither file.
func asking(t *testing.T, servers ...netip.AddrPort) (*client, *Config) {
	c := times
	c.Nameservers, c.Timeout = servers, 5*time.Second
	nowhere := filepath.Join(t.TempDir(), "none")
	return newClient(Options{ResolvConf: nowhere, Hosts: nowhere}, &counters{}), &c
}

// found is an answer in words: "192.0.2.1 192.0.2.2 for 1m0s".
func found(a answer) string {
	var texts []string
	for _, e := range a.endpoints {
		text := e.Address.Addr().String()
		if e.Target != "" {
			text = fmt.Sprintf("%s=%v/%d/%d", e.Target, e.Address, e.Priority, e.Weight)
		}
		texts = append(texts, text)
	}
	for _, name := range a.failed {
		texts = append(texts, name+"?")
	}
	return strings.Join(append(texts, "for "+a.ttl.String()), " ")
}

// What each kind of answer makes of a name.
func TestLookup(t *testing.T) {
	t.Parallel()
	chain := func(n int) (records []string) {
		for i := range n {
			records = append(records, fmt.Sprintf("a%d.test. 60 IN CNAME a%d.test.", i, i+1))
		}
		return append(records, fmt.Sprintf("a%d.test. 60 IN A 192.0.2.1", n))
	}
	for _, tt := range []struct {
		name   string
		set    func(s *resolvetest.Server)
		query  Query
		want   string // %s: the nameserver
		fault  string
		absent bool
		asked  []string // nil: whatever
	}{
		{"addresses, sorted", func(s *resolvetest.Server) {
			s.Set("app.test", "A", "app.test. 60 IN A 192.0.2.2", "app.test. 30 IN A 192.0.2.1", "app.test. 60 IN A 192.0.2.2", "other.test. 5 IN A 192.0.2.3")
		}, Query{Name: "app.test"}, "192.0.2.1 192.0.2.2 for 30s", "", false, []string{"app.test. A"}},
		{"IPv6 where there is no IPv4", func(s *resolvetest.Server) {
			s.Set("app.test", "AAAA", "app.test. 60 IN AAAA 2001:db8::1")
		}, Query{Name: "app.test"}, "2001:db8::1 for 1m0s", "", false, []string{"app.test. A", "app.test. AAAA"}},
		{"IPv6 first", func(s *resolvetest.Server) {
			s.Set("app.test", "A", "app.test. 60 IN A 192.0.2.1")
			s.Set("app.test", "AAAA", "app.test. 60 IN AAAA 2001:db8::1")
		}, Query{Name: "app.test", Family: PreferIPv6}, "2001:db8::1 for 1m0s", "", false, []string{"app.test. AAAA"}},
		{"IPv6 alone", func(s *resolvetest.Server) {
			s.Set("app.test", "A", "app.test. 60 IN A 192.0.2.1")
		}, Query{Name: "app.test", Family: IPv6}, "", "there is the name, but no such record", true, []string{"app.test. AAAA"}},
		{"no such name", func(*resolvetest.Server) {}, Query{Name: "app.test"}, "", "no such name (NXDOMAIN)", true, nil},
		{"addresses that no server has", func(s *resolvetest.Server) {
			s.Set("app.test", "A", "app.test. 60 IN A 0.0.0.0", "app.test. 60 IN A 224.0.0.1", "app.test. 60 IN A 255.255.255.255")
			s.Set("app.test", "AAAA", "app.test. 60 IN AAAA ::", "app.test. 60 IN AAAA ff02::1", "app.test. 60 IN AAAA ::ffff:192.0.2.1")
		}, Query{Name: "app.test"}, "", "there is the name, but no such record", true, nil},
		{"aliases", func(s *resolvetest.Server) {
			s.Set("www.test", "A", "www.test. 300 IN CNAME App.Test.", "app.test. 20 IN CNAME lb.test.", "lb.test. 60 IN A 192.0.2.1", "www.test. 1 IN A 192.0.2.9")
		}, Query{Name: "www.test"}, "192.0.2.1 for 20s", "", false, nil},
		{"an alias that leaves off", func(s *resolvetest.Server) {
			s.Set("www.test", "A", "www.test. 20 IN CNAME app.test.")
			s.Set("app.test", "A", "app.test. 60 IN A 192.0.2.1")
		}, Query{Name: "www.test"}, "192.0.2.1 for 20s", "", false, []string{"www.test. A", "app.test. A"}},
		{"16 aliases", func(s *resolvetest.Server) { s.Set("a0.test", "A", chain(16)...) }, Query{Name: "a0.test"}, "192.0.2.1 for 1m0s", "", false, nil},
		{"17 aliases", func(s *resolvetest.Server) { s.Set("a0.test", "A", chain(17)...) }, Query{Name: "a0.test"}, "", "nameserver %s: more than 16 aliases", false, nil},
		{"aliases in a ring", func(s *resolvetest.Server) {
			s.Set("a.test", "A", "a.test. 20 IN CNAME b.test.", "b.test. 20 IN CNAME a.test.")
		}, Query{Name: "a.test"}, "", "nameserver %s: more than 16 aliases", false, nil},
		{"aliases in a ring, one an answer", func(s *resolvetest.Server) {
			s.Set("a.test", "A", "a.test. 20 IN CNAME b.test.")
			s.Set("b.test", "A", "b.test. 20 IN CNAME a.test.")
		}, Query{Name: "a.test"}, "", "a.test.: more than 16 aliases", false, nil},
		{"a time to live below 0", func(s *resolvetest.Server) {
			s.Set("app.test", "A", "app.test. 4294967295 IN A 192.0.2.2")
		}, Query{Name: "app.test"}, "192.0.2.2 for 0s", "", false, nil},
		{"SERVFAIL", func(s *resolvetest.Server) { s.Fail("app.test", "A", dns.RcodeServerFailure) }, Query{Name: "app.test"}, "", "nameserver %s: SERVFAIL", false, []string{"app.test. A"}},
		{"an unknown code", func(s *resolvetest.Server) { s.Fail("app.test", "A", 14) }, Query{Name: "app.test"}, "", "nameserver %s: response code 14", false, nil},
		{"who does not ask others", func(s *resolvetest.Server) {
			s.Handle("app.test", "A", func(m *dns.Msg, _ bool) [][]byte { m.RecursionAvailable = false; return resolvetest.Pack(m) })
		}, Query{Name: "app.test"}, "", "nameserver %s: it does not answer for others (no recursion)", false, nil},
		{"FORMERR to EDNS", func(s *resolvetest.Server) {
			s.Handle("app.test", "A", func(m *dns.Msg, _ bool) [][]byte {
				if len(s.Asked()) == 1 {
					m.Rcode, m.Question = dns.RcodeFormatError, nil
				} else {
					m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "app.test.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 9}, A: []byte{192, 0, 2, 1}}}
				}
				return resolvetest.Pack(m)
			})
		}, Query{Name: "app.test"}, "192.0.2.1 for 9s", "", false, []string{"app.test. A", "app.test. A"}},
		{"a service", func(s *resolvetest.Server) {
			s.Set("_http._tcp.test", "SRV", "_http._tcp.test. 60 IN SRV 10 5 8080 a.test.", "_http._tcp.test. 60 IN SRV 20 1 8081 B.test.", "_http._tcp.test. 60 IN SRV 10 7 8082 a.test.", "_http._tcp.test. 60 IN SRV 0 0 1 c.test.", "_http._tcp.test. 60 IN SRV 0 0 1 .")
			s.Set("a.test", "A", "a.test. 30 IN A 192.0.2.2")
			s.Set("b.test", "AAAA", "b.test. 60 IN AAAA 2001:db8::1")
		}, Query{Name: "_http._tcp.test"}, "a.test=192.0.2.2:8080/10/5 a.test=192.0.2.2:8082/10/7 B.test=[2001:db8::1]:8081/20/1 for 30s", "", false,
			[]string{"_http._tcp.test. SRV", "a.test. A", "b.test. A", "b.test. AAAA", "c.test. A", "c.test. AAAA"}},
		{"a service with a host that fails", func(s *resolvetest.Server) {
			s.Set("_http._tcp.test", "SRV", "_http._tcp.test. 60 IN SRV 0 0 80 a.test.", "_http._tcp.test. 60 IN SRV 0 0 80 b.test.")
			s.Fail("a.test", "A", dns.RcodeServerFailure)
			s.Set("b.test", "A", "b.test. 60 IN A 192.0.2.2")
		}, Query{Name: "_http._tcp.test"}, "b.test=192.0.2.2:80/0/0 a.test? for 10s", "", false, nil},
		{"a service whose hosts fail", func(s *resolvetest.Server) {
			s.Set("_http._tcp.test", "SRV", "_http._tcp.test. 60 IN SRV 0 0 80 a.test.", "_http._tcp.test. 60 IN SRV 0 0 80 b.test.")
			s.Fail("b.test", "A", dns.RcodeRefused)
		}, Query{Name: "_http._tcp.test"}, "", "host b.test: nameserver %s: REFUSED", false, nil},
		{"a service whose hosts are gone", func(s *resolvetest.Server) {
			s.Set("_http._tcp.test", "SRV", "_http._tcp.test. 60 IN SRV 0 0 80 a.test.")
		}, Query{Name: "_http._tcp.test"}, "", "none of its hosts has an address", true, nil},
		{"no service", func(s *resolvetest.Server) { s.Set("_http._tcp.test", "SRV") }, Query{Name: "_http._tcp.test"}, "", "there is the name, but no such record", true, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := resolvetest.New(t)
			tt.set(s)
			c, cfg := asking(t, s.Address)
			a, err := c.lookup(t.Context(), cfg, tt.query)
			fault := ""
			if err != nil {
				fault = err.Error()
			}
			want := strings.ReplaceAll(tt.fault, "%s", s.Address.String())
			if fault != want || isAbsent(err) != tt.absent || err == nil && found(a) != tt.want {
				t.Errorf("got %q, %q, want %q, %q", found(a), fault, tt.want, want)
			}
			if tt.asked != nil && !slices.Equal(s.Asked(), tt.asked) {
				t.Errorf("asked for %v, want %v", s.Asked(), tt.asked)
			}
		})
	}
}

// What is no answer to the question is counted and ignored, and the answer after it is taken.
func TestStrayMessages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil func(m *dns.Msg) []byte
	}{
		{"garbage", func(*dns.Msg) []byte { return []byte("garbage") }},
		{"nothing", func(*dns.Msg) []byte { return nil }},
		{"another ID", func(m *dns.Msg) []byte { m.Id++; return resolvetest.Pack(m)[0] }},
		{"a question", func(m *dns.Msg) []byte { m.Response = false; return resolvetest.Pack(m)[0] }},
		{"another name", func(m *dns.Msg) []byte { m.Question[0].Name = "evil.test."; return resolvetest.Pack(m)[0] }},
		{"another kind", func(m *dns.Msg) []byte { m.Question[0].Qtype = dns.TypeAAAA; return resolvetest.Pack(m)[0] }},
		{"another class", func(m *dns.Msg) []byte { m.Question[0].Qclass = dns.ClassCHAOS; return resolvetest.Pack(m)[0] }},
		{"two questions", func(m *dns.Msg) []byte {
			m.Question = append(m.Question, m.Question[0])
			return resolvetest.Pack(m)[0]
		}},
		{"no question", func(m *dns.Msg) []byte { m.Question = nil; return resolvetest.Pack(m)[0] }},
		{"cut", func(m *dns.Msg) []byte { p := resolvetest.Pack(m)[0]; return p[:len(p)-2] }},
		{"more than there is", func(m *dns.Msg) []byte { p := resolvetest.Pack(m)[0]; p[7] = 200; return p }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := resolvetest.New(t)
			s.Handle("app.test", "A", func(m *dns.Msg, _ bool) [][]byte {
				record := func(last byte) []dns.RR {
					return []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "app.test.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: []byte{192, 0, 2, last}}}
				}
				bad := m.Copy()
				bad.Answer = record(66)
				m.Answer = record(1)
				return append([][]byte{tt.spoil(bad)}, resolvetest.Pack(m)...)
			})
			c, cfg := asking(t, s.Address)
			a, err := c.lookup(t.Context(), cfg, Query{Name: "app.test"})
			if got, want := found(a), "192.0.2.1 for 1m0s"; err != nil || got != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
			if got := c.counts.read(); got.BadPackets != 1 || got.Questions != 1 {
				t.Errorf("got %+v, want one bad packet", got)
			}
		})
	}
}

// Whoever sends nothing but garbage has a bounded number of tries.
func TestStrayMessagesAreBounded(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	s.Handle("app.test", "A", func(*dns.Msg, bool) [][]byte { return slices.Repeat([][]byte{[]byte("garbage")}, maxStray+20) })
	c, cfg := asking(t, s.Address)
	_, err := c.lookup(t.Context(), cfg, Query{Name: "app.test"})
	if want := fmt.Sprintf("nameserver %v: no answer among 64 messages", s.Address); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// An answer that does not fit is asked for again by TCP.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{true, false} {
		s := resolvetest.New(t)
		s.Handle("app.test", "A", func(m *dns.Msg, tcp bool) [][]byte {
			for i := range 200 {
				m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: "app.test.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: []byte{192, 0, 2, byte(i)}})
			}
			if tcp {
				return resolvetest.Pack(m)
			}
			m.Truncated = true
			p := resolvetest.Pack(m)[0]
			if !whole { // in the middle of a record
				p = p[:501]
			}
			return [][]byte{p}
		})
		c, cfg := asking(t, s.Address)
		a, err := c.lookup(t.Context(), cfg, Query{Name: "app.test"})
		if err != nil || len(a.endpoints) != 200 || c.counts.read().Truncated != 1 {
			t.Errorf("got %d addresses, %v, %+v, want 200", len(a.endpoints), err, c.counts.read())
		}
	}
}

// Who does not know EDNS (RFC 6891) is not asked with it by TCP either.
func TestTruncatedWithoutEDNS(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	s.Handle("app.test", "A", func(m *dns.Msg, tcp bool) [][]byte {
		switch {
		case m.IsEdns0() != nil:
			m.Rcode, m.Extra = dns.RcodeFormatError, nil
		case !tcp:
			m.Truncated = true
		default:
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "app.test.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: []byte{192, 0, 2, 1}}}
		}
		return resolvetest.Pack(m)
	})
	c, cfg := asking(t, s.Address)
	if a, err := c.lookup(t.Context(), cfg, Query{Name: "app.test"}); err != nil || found(a) != "192.0.2.1 for 1m0s" {
		t.Errorf("got %q, %v", found(a), err)
	}
}

// A nameserver that is silent or fails costs its time once: the one that answered is asked first from then on.
func TestNextNameserver(t *testing.T) {
	t.Parallel()
	for _, code := range []int{-1, dns.RcodeServerFailure, dns.RcodeRefused} {
		bad, good := resolvetest.New(t), resolvetest.New(t)
		if code < 0 {
			bad.Silence("app.test", "A")
		} else {
			bad.Fail("app.test", "A", code)
		}
		good.Set("app.test", "A", "app.test. 60 IN A 192.0.2.1")
		c, cfg := asking(t, bad.Address, good.Address)
		cfg.Timeout = 200 * time.Millisecond
		if code >= 0 {
			cfg.Timeout = 5 * time.Second
		}
		cfg.Attempts = 10 // a machine that is busy may be late
		for range 3 {
			if a, err := c.lookup(t.Context(), cfg, Query{Name: "app.test"}); err != nil || found(a) != "192.0.2.1 for 1m0s" {
				t.Errorf("%d: got %q, %v", code, found(a), err)
			}
		}
		if n := len(bad.Asked()); n != 1 && code >= 0 {
			t.Errorf("%d: the bad one was asked %d times, want once", code, n)
		}
	}
}

// Where nobody answers for one host of a service, nobody is asked for the next ones: a lookup would take minutes.
func TestSilenceIsHeardOnce(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	s.Set("_http._tcp.test", "SRV", "_http._tcp.test. 60 IN SRV 1 1 80 a.test.", "_http._tcp.test. 60 IN SRV 2 1 80 b.test.")
	s.Silence("a.test", "A")
	s.Silence("b.test", "A")
	c, cfg := asking(t, s.Address)
	cfg.Timeout, cfg.Attempts = 500*time.Millisecond, 1
	if _, err := c.lookup(t.Context(), cfg, Query{Name: "_http._tcp.test"}); !errors.Is(err, errSilent) {
		t.Errorf("got %v, want silence", err)
	}
	if got := s.Asked(); len(got) != 2 {
		t.Errorf("asked for %q, want the service and one of its hosts", got)
	}
}

// Nobody answers: each nameserver is asked so often as is said, and no longer.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	a, b := resolvetest.New(t), resolvetest.New(t)
	a.Silence("app.test", "A")
	b.Silence("app.test", "A")
	c, cfg := asking(t, a.Address, b.Address)
	cfg.Timeout, cfg.Attempts = 20*time.Millisecond, 3
	_, err := c.lookup(t.Context(), cfg, Query{Name: "app.test"})
	if want := fmt.Sprintf("nameserver %v: no answer within 20ms", b.Address); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if n := c.counts.read(); n.Questions != 6 || n.Timeouts != 6 {
		t.Errorf("got %+v, want 6 questions and timeouts", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cfg.Timeout = time.Hour
	if _, err := c.lookup(ctx, cfg, Query{Name: "app.test"}); err == nil {
		t.Error("got an answer of nobody")
	}
}

// Questions leave from ports and with IDs that nobody can guess.
func TestQuestionsDiffer(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	var mu sync.Mutex
	ids := map[uint16]bool{} // guarded by mu
	s.Handle("app.test", "A", func(m *dns.Msg, _ bool) [][]byte {
		mu.Lock()
		defer mu.Unlock()
		ids[m.Id] = true
		return resolvetest.Pack(m)
	})
	s.Set("app.test", "AAAA", "app.test. 60 IN AAAA 2001:db8::1")
	c, cfg := asking(t, s.Address)
	const n = 50
	for range n {
		if _, err := c.lookup(t.Context(), cfg, Query{Name: "app.test"}); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ids) < n-2 {
		t.Errorf("%d IDs in %d questions", len(ids), n)
	}
	if ports := s.Ports(); len(ports) < n {
		t.Errorf("%d ports in %d questions", len(ports), 2*n)
	}
}

// /etc/hosts comes first, in one family as well as in the other, and is read again when it has changed.
func TestHosts(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	s.Set("app.test", "A", "app.test. 60 IN A 192.0.2.9")
	c, cfg := asking(t, s.Address)
	c.hosts.path = filepath.Join(t.TempDir(), "hosts")
	for _, tt := range []struct {
		name, text, want string
		family           Family
		asked            int
	}{
		{"no file", "", "192.0.2.9 for 1m0s", PreferIPv4, 1},
		{"another name", "127.0.0.1 localhost\n", "192.0.2.9 for 1m0s", PreferIPv4, 2},
		{"there", "# comment\n\n192.0.2.1 other App.Test # us\n2001:db8::1 app.test.\n192.0.2.2 app.test\nnonsense app.test\n::1\n", "192.0.2.1 192.0.2.2 for 10s", PreferIPv4, 2},
		{"the other family", "192.0.2.1 app.test\n2001:db8::1 app.test", "2001:db8::1 for 10s", PreferIPv6, 2},
		{"one family alone", "2001:db8::1 app.test", "2001:db8::1 for 10s", PreferIPv4, 2},
		{"not that family", "2001:db8::17 app.test", "192.0.2.9 for 1m0s", IPv4, 3},
	} {
		if tt.text != "" {
			write(t, c.hosts.path, tt.text)
		}
		a, err := c.lookup(t.Context(), cfg, Query{Name: "app.test", Family: tt.family})
		if got := found(a); err != nil || got != tt.want || len(s.Asked()) != tt.asked {
			t.Errorf("%s: got %q, %v, %d questions, want %q, %d", tt.name, got, err, len(s.Asked()), tt.want, tt.asked)
		}
	}
}

// write replaces a file as administrators' tools do.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestResolvConf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text, of string
		servers, names []string
	}{
		{"plain", "nameserver 192.0.2.53\n", "app.test", []string{"192.0.2.53:53"}, []string{"app.test."}},
		{"search", "search a.test b.test\nnameserver 192.0.2.53\n", "app", []string{"192.0.2.53:53"}, []string{"app.a.test.", "app.b.test.", "app."}},
		{"dots enough", "search a.test\nnameserver 192.0.2.53\n", "app.x", []string{"192.0.2.53:53"}, []string{"app.x.", "app.x.a.test."}},
		{"ndots", "search a.test\noptions ndots:5\nnameserver 192.0.2.53\n", "app.x", []string{"192.0.2.53:53"}, []string{"app.x.a.test.", "app.x."}},
		{"complete", "search a.test\nnameserver 192.0.2.53\n", "app.", []string{"192.0.2.53:53"}, []string{"app."}},
		{"zones and nonsense", "nameserver fe80::1%lo\nnameserver resolver.test\nnameserver\nnameserver ::1\n", "app.", []string{"[fe80::1%lo]:53", "[::1]:53"}, []string{"app."}},
	} {
		conf, err := parseResolvConf(strings.NewReader(tt.text))
		var servers []string
		for _, s := range conf.servers {
			servers = append(servers, s.String())
		}
		if err != nil || !slices.Equal(servers, tt.servers) || !slices.Equal(conf.names(tt.of), tt.names) {
			t.Errorf("%s: got %v, %v, %v, want %v, %v", tt.name, servers, conf.names(tt.of), err, tt.servers, tt.names)
		}
	}
}

// The system's nameservers are those of the file, as it is now.
func TestNameservers(t *testing.T) {
	t.Parallel()
	c, cfg := asking(t)
	c.resolvConf.path = filepath.Join(t.TempDir(), "resolv.conf")
	if _, err := c.lookup(t.Context(), cfg, Query{Name: "app.test"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the file: got %v", err)
	}
	for _, tt := range []struct{ text, want, fault string }{
		{"nameserver 192.0.2.53", "[192.0.2.53:53]", ""},
		{"nameserver 192.0.2.54\nnameserver ::1", "[192.0.2.54:53 [::1]:53]", ""},
		{"search test", "[]", "no nameserver in " + c.resolvConf.path},
		{strings.Repeat("nameserver 192.0.2.1\n", 20), fmt.Sprint(slices.Repeat([]string{"192.0.2.1:53"}, maxNameservers)), ""},
	} {
		write(t, c.resolvConf.path, tt.text)
		conf, err := c.nameservers(cfg)
		if fmt.Sprint(conf.servers) != tt.want || (err != nil || tt.fault != "") && fmt.Sprint(err) != tt.fault {
			t.Errorf("%q: got %v, %v, want %s, %q", tt.text, conf.servers, err, tt.want, tt.fault)
		}
	}
}

// LookUp has each query answered once, or as far as there is time.
func TestLookUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second) // bad.test is asked for again and again, slow.test never answers
		defer cancel()
		start := time.Now()
		got := lookUp(ctx, newResolver(Options{}, lookerFunc(func(ctx context.Context, q Query) (answer, error) {
			switch q.Name {
			case "app.test":
				time.Sleep(2 * time.Second)
				return answer{endpoints: hosts("1"), ttl: time.Hour}, nil
			case "bad.test":
				return answer{}, errSilent
			}
			<-ctx.Done()
			return answer{}, ctx.Err()
		}), &counters{}), times, []Query{{Name: "app.test"}, {Name: "bad.test"}, {Name: "slow.test"}})
		if len(got) != 3 || words(got[0].Endpoints) != "1" || got[0].Err != nil || got[1].Err != errSilent || got[2].Endpoints != nil || got[2].Err != nil {
			t.Errorf("got %+v, want an address, a failure, and nothing", got)
		}
		if took := time.Since(start); got[0].Took != 2*time.Second || got[2].Took != took || took != 90*time.Second {
			t.Errorf("it took %v: got %+v", took, got)
		}
	})
}

type lookerFunc func(ctx context.Context, q Query) (answer, error)

func (f lookerFunc) lookup(ctx context.Context, _ *Config, q Query) (answer, error) { return f(ctx, q) }
