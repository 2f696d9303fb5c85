package resolvetest

import (
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Answer makes the answer to a question of it: m is the reply so far, successful and empty, and tcp says how the question came. What it
// returns is sent, octet by octet; none: the server is silent.
type Answer func(m *dns.Msg, tcp bool) [][]byte

// Server is a nameserver.
type Server struct {
	Address netip.AddrPort

	t   testing.TB
	udp net.PacketConn
	tcp net.Listener

	mu      sync.Mutex // guards what follows
	answers map[string]Answer
	asked   []string
	ports   map[uint16]bool
	waiting chan struct{} // closed and replaced when a question has come
}

// New starts a server that knows no name. It ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, answers: map[string]Answer{}, ports: map[uint16]bool{}, waiting: make(chan struct{})}
	var err error
	if s.tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.Address = s.tcp.Addr().(*net.TCPAddr).AddrPort()
	for s.udp, err = net.ListenPacket("udp", s.Address.String()); err != nil; { // somebody else has that port
		_ = s.tcp.Close()
		if s.tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		s.Address = s.tcp.Addr().(*net.TCPAddr).AddrPort()
		s.udp, err = net.ListenPacket("udp", s.Address.String())
	}
	var all sync.WaitGroup
	all.Go(s.serveUDP)
	all.Go(s.serveTCP)
	t.Cleanup(func() {
		_ = s.udp.Close()
		_ = s.tcp.Close()
		all.Wait()
	})
	return s
}

func (s *Server) serveUDP() {
	packet := make([]byte, 1<<16)
	for {
		n, from, err := s.udp.ReadFrom(packet)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.ports[from.(*net.UDPAddr).AddrPort().Port()] = true
		s.mu.Unlock()
		for _, out := range s.answer(packet[:n], false) {
			_, _ = s.udp.WriteTo(out, from) // who does not wait does not get it
		}
	}
}

func (s *Server) serveTCP() {
	for {
		conn, err := s.tcp.Accept()
		if err != nil {
			return
		}
		c := &dns.Conn{Conn: conn}
		packet := make([]byte, 1<<16)
		if n, err := c.Read(packet); err == nil {
			for _, out := range s.answer(packet[:n], true) {
				_, _ = c.Write(out)
			}
		}
		_ = conn.Close()
	}
}

func (s *Server) answer(packet []byte, tcp bool) [][]byte {
	q := &dns.Msg{}
	if err := q.Unpack(packet); err != nil || len(q.Question) != 1 {
		s.t.Errorf("a question that is none: %v, %v", err, q)
		return nil
	}
	key := keyOf(q.Question[0].Name, dns.TypeToString[q.Question[0].Qtype])
	s.mu.Lock()
	s.asked = append(s.asked, key)
	close(s.waiting)
	s.waiting = make(chan struct{})
	a, ok := s.answers[key]
	known := slices.ContainsFunc([]string{"A", "AAAA", "SRV"}, func(kind string) bool { return s.answers[keyOf(q.Question[0].Name, kind)] != nil })
	s.mu.Unlock()
	m := (&dns.Msg{}).SetReply(q)
	m.RecursionAvailable = true
	if o := q.IsEdns0(); o != nil { // as those do who know it (RFC 6891 section 7)
		m.SetEdns0(o.UDPSize(), false)
	}
	switch {
	case ok:
		return a(m, tcp)
	case !known:
		m.Rcode = dns.RcodeNameError
	}
	return Pack(m)
}

func keyOf(name, kind string) string { return strings.ToLower(dns.Fqdn(name)) + " " + kind }

// Pack returns a message as an Answer does.
func Pack(m *dns.Msg) [][]byte {
	packet, err := m.Pack()
	if err != nil {
		panic(err) // a test's own message
	}
	return [][]byte{packet}
}

// Handle has a question answered in any way. kind is A, AAAA or SRV.
func (s *Server) Handle(name, kind string, a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[keyOf(name, kind)] = a
}

// Set has a question answered with records, in the notation of zone files; without any there is nothing of that kind.
func (s *Server) Set(name, kind string, records ...string) {
	rrs := make([]dns.RR, len(records))
	for i, text := range records {
		var err error
		if rrs[i], err = dns.NewRR(text); err != nil {
			s.t.Fatal(err)
		}
	}
	s.Handle(name, kind, func(m *dns.Msg, _ bool) [][]byte {
		m.Answer = rrs
		return Pack(m)
	})
}

// Fail has a question answered with a response code.
func (s *Server) Fail(name, kind string, code int) {
	s.Handle(name, kind, func(m *dns.Msg, _ bool) [][]byte {
		m.Rcode = code
		return Pack(m)
	})
}

// Silence has a question answered by nobody.
func (s *Server) Silence(name, kind string) {
	s.Handle(name, kind, func(*dns.Msg, bool) [][]byte { return nil })
}

// Forget has a name unknown.
func (s *Server) Forget(name, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.answers, keyOf(name, kind))
}

// Asked returns the questions that have come, in order: "app.test. A".
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Await waits until n questions more than before have come for a name and kind.
func (s *Server) Await(name, kind string, n int) {
	s.t.Helper()
	want := -1
	for {
		s.mu.Lock()
		have := 0
		for _, key := range s.asked {
			if key == keyOf(name, kind) {
				have++
			}
		}
		waiting := s.waiting
		s.mu.Unlock()
		if want < 0 {
			want = have + n
		}
		if have >= want {
			return
		}
		select {
		case <-waiting:
		case <-s.t.Context().Done():
			s.t.Fatalf("%s %s was asked for %d times, want %d", name, kind, have, want)
		}
	}
}

// Ports returns the ports that questions by UDP have come from.
func (s *Server) Ports() []uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.ports))
}
