package proxy_test

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/accesslog"
)

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

// R6: "%bc" and "%sc" are the other requests of the backend and the server, those too that came before a reload; they count from the first
// configuration that logs.
func TestR6_RequestsOfTheBackend(t *testing.T) {
	t.Parallel()
	server, asked := origin(t)
	log, path := fileLog(t, accesslog.Config{Format: "%HP %bc %sc"})
	c := logging(t, log, server)
	c.Backends[0].Timeouts.Server = patience
	b := run(t, c, proxy.Options{Drain: 1})
	var open []net.Conn
	silent := func() {
		conn, err := net.Dial("tcp4", at(b).plain)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
		<-asked
	}
	silent()
	c.Backends[0].Retries = 2
	b.Reload(t, c)
	silent()
	(&talk{name: "a third one", send: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"}).have(t, at(b))
	linesOf(t, path, 1)
	for i, conn := range open {
		_ = conn.Close()
		linesOf(t, path, i+2)
	}
	if got, want := linesOf(t, path, 3), []string{"/ 2 2", "/silent 1 1", "/silent 0 0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
