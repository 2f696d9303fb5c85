package proxy_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/proxy/accesslog"
)

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
