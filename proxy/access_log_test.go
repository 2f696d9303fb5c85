package proxy_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/proxytest"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// patience bounds what is expected to happen.
const patience = 10 * time.Second

// The times of the sites whose lines are looked at. Nothing here depends on which is shorter, but for that of the head.
const (
	headPatience    = 400 * time.Millisecond
	clientPatience  = 700 * time.Millisecond
	serverPatience  = 600 * time.Millisecond
	connectPatience = 100 * time.Millisecond
)

// origin is a server that misbehaves as the path says. asked gets a word for each /silent.
func origin(t *testing.T) (at netip.AddrPort, asked <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	ended, silent := make(chan struct{}), make(chan struct{}, 8) // more than a test has
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				answer(conn, silent, ended)
			})
		}
	})
	t.Cleanup(func() {
		close(ended)
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().(*net.TCPAddr).AddrPort(), silent
}

// answer serves one request of a connection, or keeps silent until the end.
func answer(conn net.Conn, silent chan<- struct{}, ended <-chan struct{}) {
	_ = conn.SetDeadline(time.Now().Add(patience)) // so that the test ends, whatever goes wrong
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body) // what is missing shows in the line
	say := func(s string) { _, _ = io.WriteString(conn, s) }
	switch path := req.URL.Path; {
	case path == "/mute":
		<-ended
	case path == "/silent":
		silent <- struct{}{}
		<-ended
	case path == "/close":
	case path == "/junk":
		say("junk junk\r\n\r\n")
	case path == "/cut":
		say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
	case path == "/stall":
		say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
		<-ended
	case path == "/large":
		say("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + strings.Repeat("x", 1<<20))
		for b := strings.Repeat("x", 1<<20); ; {
			if _, err := io.WriteString(conn, b); err != nil {
				return
			}
		}
	default:
		say("HTTP/1.1 200 OK\r\nServer: odd {\"}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
	}
}

// nobody is an address that refuses.
func nobody(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// logging is a site with every kind of backend, whose frontends log as log says: f, and k with TLS.
func logging(t *testing.T, log accesslog.Config, good netip.AddrPort) proxy.Config {
	t.Helper()
	dead := nobody(t)
	pair, _ := proxytest.Bundle(t, "localhost")
	one := func(name string, servers ...proxy.Server) proxy.Backend {
		return proxy.Backend{Name: name, Servers: servers, Retries: 1, Redispatch: true, Timeouts: proxy.BackendTimeouts{Connect: connectPatience, Server: serverPatience}}
	}
	at := func(name string, a netip.AddrPort) proxy.Server {
		return proxy.Server{Name: name, Address: a, Weight: 1}
	}
	front := func(name string, b proxy.Bind) proxy.Frontend {
		return proxy.Frontend{
			Name: name, Binds: []proxy.Bind{b}, DefaultBackend: "b", AccessLog: &log,
			Rules: []rule.Rule{
				{Match: rule.Match{Path: "/moved"}, Redirect: &rule.Redirect{Location: "/there"}},
				{Match: rule.Match{Path: "/health"}, Respond: &rule.Respond{Status: 200, Body: "healthy\n", ContentType: "text/plain"}, NoLog: true},
				{Match: rule.Match{Path: "/dead"}, Backend: "dead"},
				{Match: rule.Match{Path: "/two"}, Backend: "two"},
			},
			Timeouts: proxy.FrontendTimeouts{HTTPRequest: headPatience, Client: clientPatience, KeepAlive: patience, Tunnel: patience},
		}
	}
	local := netip.MustParseAddrPort("127.0.0.1:0")
	return proxy.Config{
		Frontends: []proxy.Frontend{
			front("f", proxy.Bind{Address: local}),
			front("k", proxy.Bind{Address: local, TLS: &certs.Config{Certificates: certs.Bundles(pair)}}),
		},
		Backends: []proxy.Backend{one("b", at("s1", good)), one("dead", at("d1", dead)), one("two", at("d1", dead), at("s1", good))},
	}
}

// fileLog has lines in a file of their own.
func fileLog(t *testing.T, c accesslog.Config) (accesslog.Config, string) {
	path := filepath.Join(t.TempDir(), "access.log")
	c.Outputs = []accesslog.Output{{Kind: accesslog.File, Address: path}}
	return c, path
}

// site is a balancer, whoever made it.
type site struct {
	plain, tls string          // where its frontends listen
	asked      <-chan struct{} // of its origin
	lines      func(t *testing.T, n int) []string
}

// tandem starts one that logs to a file.
func tandem(t *testing.T, log accesslog.Config) site {
	t.Helper()
	log, path := fileLog(t, log)
	good, asked := origin(t)
	b := run(t, logging(t, log, good), proxy.Options{Drain: 1, Threads: 1})
	f := b.Snapshot().Frontends
	return site{f[0].Binds[0].Address.String(), f[1].Binds[0].Address.String(), asked, func(t *testing.T, n int) []string { return linesOf(t, path, n) }}
}

// at is where the first frontend of a balancer is.
func at(b balancer) site { return site{plain: b.Snapshot().Frontends[0].Binds[0].Address.String()} }

// linesOf waits until a file has n lines, and returns all.
func linesOf(t *testing.T, path string, n int) []string {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		if len(b) > 0 && len(lines) >= n {
			return lines
		}
		if n == 0 || time.Now().After(end) {
			if n > 0 {
				t.Errorf("waited in vain for %d lines, got %q", n, b)
			}
			return nil
		}
	}
}

// talk is what a client does.
type talk struct {
	name string
	send string
	do   func(c *net.TCPConn, s site) // instead of reading the response
	want string                       // the line, masked

	haproxy string // what HAProxy's line is where it differs, and
	why     string // why
}

// stops sends nothing more.
func stops(c *net.TCPConn, _ site) {
	_ = c.CloseWrite() // an error shows in the line
	_, _ = io.Copy(io.Discard, c)
}

// leaves resets the connection when the server has the request.
func leaves(c *net.TCPConn, s site) {
	select {
	case <-s.asked:
	case <-time.After(patience):
	}
	_ = c.SetLinger(0)
}

// reads resets the connection when a part of the response is there.
func reads(c *net.TCPConn, _ site) {
	_, _ = c.Read(make([]byte, 1))
	_ = c.SetLinger(0)
}

// stays takes nothing until the balancer has given up; a FIN of it may not come through.
func stays(c *net.TCPConn, _ site) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	for open, end := true, time.Now().Add(4*clientPatience); open && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		_ = raw.Control(func(fd uintptr) {
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			open = err == nil && info.State == 1 // TCP_ESTABLISHED of linux/tcp_states.h
		})
	}
}

const fields = "Host: www.example.com\r\nX-Odd: a\"b{c|d}e#f\x80\tg\r\nConnection: close\r\n\r\n"

// captured is how the fields of the talks are logged: 10 octets of the one, all of the other.
const captured = `{www.exampl|a#22b#7Bc#7Cd#7De#23f#80#09g}`

// talks are all that a client, a server or the balancer can do to a request.
func talks() []talk {
	get := func(path string) string { return "GET " + path + " HTTP/1.1\r\n" + fields }
	return []talk{
		{name: "answered", send: get("/?q=1"), want: `127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - ---- c/c/0/0/0 0/0 ` + captured + ` {odd #7B#22#7D} "GET /?q=1 HTTP/1.1"`},
		{name: "HTTP/1.0", send: "GET /10 HTTP/1.0\r\n\r\n", want: `127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - ---- c/c/0/0/0 0/0 {|} {odd #7B#22#7D} "GET /10 HTTP/1.0"`},
		{name: "with a body", send: "POST /p HTTP/1.1\r\nContent-Length: 5\r\n" + fields + "12345", want: `127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - ---- c/c/0/0/0 0/0 ` + captured + ` {odd #7B#22#7D} "POST /p HTTP/1.1"`},
		{name: "absolute", send: get("http://www.example.com/abs"), want: `127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - ---- c/c/0/0/0 0/0 ` + captured + ` {odd #7B#22#7D} "GET http://www.example.com/abs HTTP/1.1"`},
		{name: "odd target", send: get(`/a{b|c}%22'~`), want: `127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - ---- c/c/0/0/0 0/0 ` + captured + ` {odd #7B#22#7D} "GET /a{b|c}%22'~ HTTP/1.1"`},
		{name: "redirect", send: get("/moved"), want: `127.0.0.1:P [D] f f/<NOSRV> n/-1/-1/-1/n 302 B - - LR-- c/c/0/0/0 0/0 ` + captured + ` {} "GET /moved HTTP/1.1"`},
		{name: "dead server", send: get("/dead"), want: `127.0.0.1:P [D] f dead/d1 n/n/-1/-1/n 503 B - - SC-- c/c/0/0/1 0/0 ` + captured + ` {} "GET /dead HTTP/1.1"`},
		{name: "redispatched", send: get("/two"), want: `127.0.0.1:P [D] f two/s1 n/n/n/n/n 200 B - - ---- c/c/0/0/+1 0/0 ` + captured + ` {odd #7B#22#7D} "GET /two HTTP/1.1"`},
		{name: "silent server", send: get("/mute"), want: `127.0.0.1:P [D] f b/s1 n/n/n/-1/n 504 B - - sH-- c/c/0/0/0 0/0 ` + captured + ` {} "GET /mute HTTP/1.1"`},
		{name: "server closes", send: get("/close"), want: `127.0.0.1:P [D] f b/s1 n/n/n/-1/n 502 B - - SH-- c/c/0/0/0 0/0 ` + captured + ` {} "GET /close HTTP/1.1"`},
		{name: "junk", send: get("/junk"), want: `127.0.0.1:P [D] f b/s1 n/n/n/-1/n 502 B - - PH-- c/c/0/0/0 0/0 ` + captured + ` {} "GET /junk HTTP/1.1"`},
		{name: "cut off", send: get("/cut"), want: `127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - SD-- c/c/0/0/0 0/0 ` + captured + ` {} "GET /cut HTTP/1.1"`},
		{name: "server stalls", send: get("/stall"), want: `127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - sD-- c/c/0/0/0 0/0 ` + captured + ` {} "GET /stall HTTP/1.1"`},
		{name: "bad request", send: "GET / HTTP/1.1\r\nHost : a\r\n\r\n", want: `127.0.0.1:P [D] f f/<NOSRV> -1/-1/-1/-1/n 400 B - - PR-- c/c/0/0/0 0/0 "<BADREQ>"`},
		{name: "no request", send: "blah\r\n\r\n", want: `127.0.0.1:P [D] f f/<NOSRV> -1/-1/-1/-1/n 400 B - - PR-- c/c/0/0/0 0/0 "<BADREQ>"`},
		{name: "slow head", send: "GET / HT", want: `127.0.0.1:P [D] f f/<NOSRV> -1/-1/-1/-1/n 408 B - - cR-- c/c/0/0/0 0/0 "<BADREQ>"`},
		{name: "leaves in the head", send: "GET / HT", do: stops, want: `127.0.0.1:P [D] f f/<NOSRV> -1/-1/-1/-1/n 400 B - - CR-- c/c/0/0/0 0/0 "<BADREQ>"`},
		{name: "leaves before the response", send: get("/silent"), do: leaves, want: `127.0.0.1:P [D] f b/s1 n/n/n/-1/n -1 B - - CH-- c/c/0/0/0 0/0 ` + captured + ` {} "GET /silent HTTP/1.1"`,
			haproxy: `127.0.0.1:P [D] f b/s1 n/n/n/-1/n -1 B - - CD-- c/c/0/0/0 0/0 ` + captured + ` {} "GET /silent HTTP/1.1"`, why: "it has passed on all of the request, and calls what follows the response"},
		{name: "leaves in the response", send: get("/large"), do: reads, want: `127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - CD-- c/c/0/0/0 0/0 ` + captured + ` {} "GET /large HTTP/1.1"`},
		{name: "takes nothing", send: get("/large"), do: stays, want: `127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - cD-- c/c/0/0/0 0/0 ` + captured + ` {} "GET /large HTTP/1.1"`},
		{name: "two requests", send: strings.Replace(get("/1"), "Connection: close\r\n", "", 1) + get("/2"), want: `127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - ---- c/c/0/0/0 0/0 ` + captured + ` {odd #7B#22#7D} "GET /2 HTTP/1.1"`},
	}
}

// talksTLS go to the frontend with TLS.
var talksTLS = []struct{ name, protocol, want string }{
	{"HTTP/1.1 over TLS", "http/1.1", `127.0.0.1:P [D] k~ b/s1 n/n/n/n/n 200 B - - ---- c/c/0/0/0 0/0 {www.exampl|} {odd #7B#22#7D} "GET /a?b HTTP/1.1"`},
	{"HTTP/2", "h2", `127.0.0.1:P [D] k~ b/s1 n/n/n/n/n 200 B - - ---- c/c/0/0/0 0/0 {www.exampl|} {odd #7B#22#7D} "GET https://www.example.com/a?b HTTP/2.0"`},
}

// have has a client do a talk, and end.
func (c *talk) have(t *testing.T, s site) {
	t.Helper()
	dialed, err := net.Dial("tcp4", s.plain)
	if err != nil {
		t.Fatal(err)
	}
	conn := dialed.(*net.TCPConn)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if err := conn.SetReadBuffer(4096); err != nil { // so that it takes little unless it reads
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, c.send); err != nil {
		t.Fatal(err)
	}
	if c.do != nil {
		c.do(conn, s)
		return
	}
	_, _ = io.Copy(io.Discard, conn) // whether the response is whole shows in the line
}

// ask has a client that speaks a protocol over TLS get /a?b of www.example.com.
func ask(t *testing.T, address, protocol string) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}, ForceAttemptHTTP2: protocol == "h2"}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+"/a?b", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "www.example.com"
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{"http/1.1": 1, "h2": 2}[protocol]; resp.ProtoMajor != want {
		t.Fatalf("answered in HTTP/%d, want %d", resp.ProtoMajor, want)
	}
}

// captures are those of the talks.
func captures() accesslog.Config {
	return accesslog.Config{
		Format:  "httplog",
		Request: []accesslog.Capture{{Name: "Host", Length: 10}, {Name: "X-Odd", Length: 64}}, Response: []accesslog.Capture{{Name: "server", Length: 64}},
	}
}

var (
	httplogForm = regexp.MustCompile(`^127\.0\.0\.1:[0-9]+ \[[0-9]{2}/[A-Z][a-z]{2}/20[0-9]{2}:[0-9:]{8}\.[0-9]{3}\] (\S+ \S+) (\S+) (-?[0-9]+) [0-9]+ (- - \S{4}) [0-9]+/[0-9]+(/[0-9]+/[0-9]+/\S+ .*)$`)
	elapsedForm = regexp.MustCompile(`(^|/)[0-9]+`)
)

// masked is a line of httplog without what differs from time to time: port, date, durations, octets, connections that others have.
func masked(line string) string {
	m := httplogForm.FindStringSubmatch(line)
	if m == nil {
		return "no line of httplog: " + line
	}
	return "127.0.0.1:P [D] " + m[1] + " " + elapsedForm.ReplaceAllString(m[2], "${1}n") + " " + m[3] + " B " + m[4] + " c/c" + m[5]
}

// R6: the lines of HAProxy's httplog; R7: its termination states.
func TestR6_R7_AccessLog(t *testing.T) {
	t.Parallel()
	s := tandem(t, captures())
	n := 0
	last := func() string {
		t.Helper()
		lines := s.lines(t, n)
		if len(lines) != n {
			t.Fatalf("got %d lines, want %d: %q", len(lines), n, lines)
		}
		return lines[n-1]
	}
	for _, c := range talks() {
		if n++; c.name == "two requests" {
			n++
		}
		c.have(t, s)
		if got := masked(last()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	for _, c := range talksTLS {
		n++
		ask(t, s.tls, c.protocol)
		if got := masked(last()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// R6: what is counted and timed. A client that waits 200 ms before it ends its head; a busy machine may see its first octets later.
func TestR6_TimersAndOctets(t *testing.T) {
	t.Parallel()
	s := tandem(t, accesslog.Config{Format: "%TR %Tw %Tc %Tr %Td %Ta %B %U %ac %fc %ci %cp %sp"})
	conn, err := net.Dial("tcp4", s.plain)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	const head, rest, body = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n", "\r\n", "abc"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	time.Sleep(headPatience / 2) // the client's own time
	if _, err := io.WriteString(conn, rest+body); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(s.lines(t, 1)[0])
	if len(f) != 13 {
		t.Fatalf("got %q, want 13 fields", f)
	}
	request, rerr := strconv.Atoi(f[0])
	active, aerr := strconv.Atoi(f[5])
	if rerr != nil || aerr != nil || request < 50 || active < request {
		t.Errorf("timers %q, want 50 ms and more for the head, and no less in all", f)
	}
	octets := []string{strconv.Itoa(len(got)), strconv.Itoa(len(head + rest + body))}
	if !slices.Equal(f[6:8], octets) || !slices.Equal(f[8:10], []string{"1", "1"}) || net.JoinHostPort(f[10], f[11]) != conn.LocalAddr().String() {
		t.Errorf("got %q, want %s octets, 1 connection, and %v", f[6:], octets, conn.LocalAddr())
	}
}

// R8: a connection without an octet leaves a line only where it is asked for, and is counted.
func TestR8_DontLogNull(t *testing.T) {
	t.Parallel()
	for _, null := range []bool{false, true} {
		s := tandem(t, accesslog.Config{Format: "httplog", Null: null})
		silent := talk{}
		silent.have(t, s) // until it gets its 408
		left := talk{do: func(*net.TCPConn, site) {}}
		left.have(t, s)
		begun := talk{send: "G", do: stops}
		begun.have(t, s)
		want := []string{`127.0.0.1:P [D] f f/<NOSRV> -1/-1/-1/-1/n 400 B - - CR-- c/c/0/0/0 0/0 "<BADREQ>"`}
		if null {
			want = slices.Insert(want, 0, `127.0.0.1:P [D] f f/<NOSRV> -1/-1/-1/-1/n 408 B - - cR-- c/c/0/0/0 0/0 "<BADREQ>"`, want[0])
		}
		var got []string
		for _, line := range s.lines(t, len(want)) {
			got = append(got, masked(line))
		}
		if !slices.Equal(got, want) {
			t.Errorf("null %t: got %q, want %q", null, got, want)
		}
	}
}

// R8: connections that are not logged are counted nevertheless, and requests that nobody made are not.
func TestR8_SilentConnectionsAreCounted(t *testing.T) {
	t.Parallel()
	log, path := fileLog(t, accesslog.Config{Format: "httplog", Null: true})
	good, _ := origin(t)
	b := run(t, logging(t, log, good), proxy.Options{Drain: 1})
	left := talk{do: func(*net.TCPConn, site) {}}
	left.have(t, at(b))
	linesOf(t, path, 1)
	if f := b.Snapshot().Frontends[0]; f.Accepted != 1 || f.Requests != 0 {
		t.Errorf("%d connections and %d requests, want 1 and 0", f.Accepted, f.Requests)
	}
}

// R9: no daemon is needed, and JSON is JSON.
func TestR9_JSONInAFile(t *testing.T) {
	t.Parallel()
	c := captures()
	c.Format = "json"
	s := tandem(t, c)
	for _, c := range talks()[:3] {
		c.have(t, s)
	}
	ask(t, s.tls, "h2")
	for i, text := range s.lines(t, 4) {
		var got struct {
			Time                                           time.Time
			Client, Frontend, Backend, Server, TLS, Method string
			URI, Protocol, Termination, Cipher, Host       string
			ClientPort                                     int `json:"client_port"`
			Status                                         int
			TotalMS                                        int `json:"total_ms"`
			RequestHeaders                                 map[string]string
			BytesIn                                        int               `json:"bytes_in"`
			BytesOut                                       int               `json:"bytes_out"`
			Request                                        map[string]string `json:"request_headers"`
			Response                                       map[string]string `json:"response_headers"`
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if time.Since(got.Time) > patience || got.Client != "127.0.0.1" || got.ClientPort == 0 || got.Status != 200 || got.Termination != "----" ||
			got.Backend != "b" || got.Server != "s1" || got.BytesIn == 0 || got.BytesOut < 10 || got.Response["server"] != `odd {"}` {
			t.Errorf("got %s", text)
		}
		switch i {
		case 0:
			if got.Request["X-Odd"] != "a\"b{c|d}e#f\u0080\tg" || got.URI != "/?q=1" || got.Protocol != "HTTP/1.1" || got.TLS != "" {
				t.Errorf("got %s", text)
			}
		case 3:
			if got.Frontend != "k" || got.TLS != "TLSv1.3" || !strings.HasPrefix(got.Cipher, "TLS_") || got.Host != "www.example.com" || got.Protocol != "HTTP/2.0" || got.URI != "/a?b" {
				t.Errorf("got %s", text)
			}
		}
	}
}

// R44: a rule keeps its requests out of the log.
func TestR44_UnloggedRule(t *testing.T) {
	t.Parallel()
	s := tandem(t, accesslog.Config{Format: "%ST %HU"})
	for _, path := range []string{"/health", "/a", "/health"} {
		c := talk{send: "GET " + path + " HTTP/1.1\r\n" + fields}
		c.have(t, s)
	}
	if got := s.lines(t, 1); !slices.Equal(got, []string{"200 /a"}) {
		t.Errorf("got %q, want a line of /a alone", got)
	}
}

var syslogForm = regexp.MustCompile(`^<134>[A-Z][a-z]{2} [ 1-3][0-9] [0-9:]{8} (tandem|haproxy)\[[0-9]+\]: (.*)\n?$`)

// syslogs is a syslog daemon; heard waits for the next line.
func syslogs(t *testing.T, network, address string) (at string, heard func() string) {
	t.Helper()
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String(), func() string {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		b := make([]byte, 1<<16)
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		m := syslogForm.FindSubmatch(b[:n])
		if m == nil {
			t.Fatalf("got %q, want what RFC 3164 wants", b[:n])
		}
		return string(m[2])
	}
}

var local0 = accesslog.Syslog{Facility: 16, Severity: 6, Tag: "tandem", Length: accesslog.DefaultLength}

// R2: UDP; R3: the host's socket.
func TestR2_R3_Syslog(t *testing.T) {
	t.Parallel()
	udp, heardUDP := syslogs(t, "udp", "127.0.0.1:0")
	socket, heardUnix := syslogs(t, "unixgram", filepath.Join(t.TempDir(), "log"))
	log := captures()
	log.Outputs = []accesslog.Output{{Kind: accesslog.UDP, Address: udp, Syslog: local0}, {Kind: accesslog.Unix, Address: socket, Syslog: local0}}
	good, _ := origin(t)
	b := run(t, logging(t, log, good), proxy.Options{Drain: 1})
	c := talks()[0]
	c.have(t, at(b))
	for _, heard := range []func() string{heardUDP, heardUnix} {
		if got := masked(heard()); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// R3: a daemon that takes nothing slows no request; what is lost is counted.
func TestR3_SilentDaemonStopsNobody(t *testing.T) {
	t.Parallel()
	socket, _ := syslogs(t, "unixgram", filepath.Join(t.TempDir(), "log"))
	log := accesslog.Config{Format: "%HU", Outputs: []accesslog.Output{{Kind: accesslog.Unix, Address: socket, Syslog: local0}}}
	good, _ := origin(t)
	b := run(t, logging(t, log, good), proxy.Options{Drain: 1})
	conn, answers := send(t, b, "")
	const n = 3000 // more than a socket takes before somebody reads it
	go func() {
		_, _ = io.WriteString(conn, strings.Repeat("GET /moved HTTP/1.1\r\nHost: a\r\n\r\n", n)) // an error shows at the other end
	}()
	begin := time.Now()
	for i := range n {
		if _, err := http.ReadResponse(answers, nil); err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
	}
	if took := time.Since(begin); took > patience/2 {
		t.Errorf("%d requests took %v", n, took)
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		l := b.Snapshot().Logs[0]
		if l.Lines == n && l.Lost > 0 && l.Lost < n && errors.Is(l.Err, os.ErrDeadlineExceeded) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("got %+v, want some lines lost", l)
		}
	}
}

// A file that is moved is written on until ReopenLogs, and a reload with one that cannot be opened changes nothing.
func TestAccessLogsFollowReloads(t *testing.T) {
	t.Parallel()
	log, path := fileLog(t, accesslog.Config{Format: "%HU"})
	good, _ := origin(t)
	c := logging(t, log, good)
	b := run(t, c, proxy.Options{Drain: 1})
	get := func(path string) {
		t.Helper()
		c := talk{send: "GET " + path + " HTTP/1.1\r\n" + fields}
		c.have(t, at(b))
	}
	get("/1")
	linesOf(t, path, 1)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	get("/2")
	linesOf(t, path+".1", 2)
	b.ReopenLogs()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	get("/3")
	if got := linesOf(t, path, 1); !slices.Equal(got, []string{"/3"}) {
		t.Errorf("got %q after the move, want /3", got)
	}
	missing := filepath.Join(filepath.Dir(path), "none", "log")
	broken := log
	broken.Outputs = []accesslog.Output{{Kind: accesslog.File, Address: missing}}
	c.Frontends[0].AccessLog = &broken
	if _, err := b.Plan(c); err == nil || err.Error() != "frontend f: access log: open "+missing+": no such file or directory" {
		t.Errorf("a file that cannot be opened: got %v", err)
	}
	get("/4")
	linesOf(t, path, 2)
	c.Frontends[0].AccessLog = nil
	b.Reload(t, c)
	get("/5")
	c.Frontends[0].AccessLog = &log
	b.Reload(t, c)
	get("/6")
	if got := linesOf(t, path, 3); !slices.Equal(got, []string{"/3", "/4", "/6"}) {
		t.Errorf("got %q, want /3, /4 and /6", got)
	}
}
