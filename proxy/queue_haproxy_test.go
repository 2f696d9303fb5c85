package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/peers"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/persist"
)

// narrowOrigin is a server that answers each request when it is told to.
type narrowOrigin struct {
	address netip.AddrPort
	asked   chan string   // the path of each request: sent to when it is there
	answers chan struct{} // received from before each answer, closed at the end
}

func newNarrowOrigin(t *testing.T) *narrowOrigin {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &narrowOrigin{address: l.Addr().(*net.TCPAddr).AddrPort(), asked: make(chan string, 100), answers: make(chan struct{}, 100)} // more than the test has
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.asked <- r.URL.Path
		<-o.answers
		_, _ = io.WriteString(w, "ok") // an error shows at the client
	})}
	var all sync.WaitGroup
	all.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() {
		close(o.answers)
		_ = s.Close()
		all.Wait()
	})
	return o
}

// gets waits for the next request.
func (o *narrowOrigin) gets(t *testing.T) string {
	t.Helper()
	select {
	case path := <-o.asked:
		return path
	case <-time.After(patience):
		t.Fatal("no request comes")
		return ""
	}
}

// narrows is a balancer in front of a narrowOrigin, with a backend that takes one request at a time, whoever made it.
type narrows struct {
	origin  *narrowOrigin
	plain   string
	waiting func() string // how many wait for the servers of b
	firm    func() string // how many for that of firm
	line    func() string // the next line of its log
}

// With one thread: of two HAProxy counts the next request of the queue, or does not, before it logs the one that made room.
const haproxyNarrows = `global
	nbthread 1
	log UDP len 8192 local0
	stats socket SOCKET mode 600 level user
defaults
	mode http
	log global
	option httplog
	option abortonclose
	timeout connect 5s
	timeout client 10s
	timeout server 10s
	timeout queue 10s
frontend f
	bind PLAIN
	use_backend short if { path_beg /short/ }
	use_backend firm if { path_beg /firm/ }
	default_backend b
backend b
	server s1 ORIGIN maxconn 1
backend short
	timeout queue 100ms
	server s1 ORIGIN maxconn 1
backend firm
	cookie S insert indirect
	server s1 ORIGIN maxconn 1 maxqueue 1 cookie A
`

func haproxyWithQueues(t *testing.T) narrows {
	t.Helper()
	p := peers.NewBalancer(t, "haproxy")
	udp, heard := syslogs(t, "udp", "127.0.0.1:0")
	socket := filepath.Join(t.TempDir(), "s")
	at, bind := p.Listens(t)
	n := narrows{origin: newNarrowOrigin(t), plain: at, line: heard}
	text := strings.NewReplacer("UDP", udp, "SOCKET", socket, "PLAIN", bind, "ORIGIN", n.origin.address.String()).Replace(haproxyNarrows)
	p.Run(t, text)
	waiting := func(backend, row string) string {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return err.Error()
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "show stat\n") // an error shows in what comes
		for in := bufio.NewScanner(conn); in.Scan(); {
			if fields := strings.Split(in.Text(), ","); len(fields) > 2 && fields[0] == backend && fields[1] == row {
				return fields[2]
			}
		}
		return "nothing"
	}
	n.waiting, n.firm = func() string { return waiting("b", "BACKEND") }, func() string { return waiting("firm", "s1") }
	for end := time.Now().Add(patience); n.waiting() != "0"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(n.waiting())
		}
	}
	return n
}

func tandemWithQueues(t *testing.T) narrows {
	t.Helper()
	n := narrows{origin: newNarrowOrigin(t)}
	log, path := fileLog(t, accesslog.Config{Format: "httplog"})
	c := logging(t, log, n.origin.address)
	c.Frontends = c.Frontends[:1]
	c.Frontends[0].Rules = c.Frontends[0].Rules[:1]
	c.Frontends[0].Rules[0].Match.Path, c.Frontends[0].Rules[0].Match.PathPrefix = "", "/short/"
	c.Frontends[0].Rules[0].Redirect, c.Frontends[0].Rules[0].Backend = nil, "short"
	c.Frontends[0].Timeouts.Client, c.Frontends[0].Timeouts.HTTPRequest = patience, patience
	c.Backends = c.Backends[:1]
	c.Backends[0].Servers[0].MaxConnections = 1
	c.Backends[0].Timeouts = proxy.BackendTimeouts{Connect: patience, Server: patience, Queue: patience}
	short := c.Backends[0]
	short.Name, short.Timeouts.Queue = "short", 100*time.Millisecond
	firm := c.Backends[0]
	firm.Name, firm.Redispatch, firm.Cookie = "firm", false, &proxy.Cookie{Config: persist.Config{Name: "S", Indirect: true}}
	firm.Servers = slices.Clone(firm.Servers)
	firm.Servers[0].MaxQueue, firm.Servers[0].Cookie = 1, "A"
	to := c.Frontends[0].Rules[0]
	to.Match.PathPrefix, to.Backend = "/firm/", "firm"
	c.Frontends[0].Rules = append(c.Frontends[0].Rules, to)
	c.Backends = append(c.Backends, short, firm)
	b := run(t, c, proxy.Options{Drain: 1, Threads: 4})
	n.plain = at(b).plain
	n.waiting = func() string { return fmt.Sprint(b.Snapshot().Backends[0].Waiting) }
	n.firm = func() string { return fmt.Sprint(b.Snapshot().Backends[2].Waiting) }
	lines := 0
	n.line = func() string {
		lines++
		return linesOf(t, path, lines)[lines-1]
	}
	return n
}

// course has clients come, wait, leave and be served, and returns what came of it: who was served in which order, statuses, and lines.
func (n narrows) course(t *testing.T) (all []string) {
	t.Helper()
	from := func(path, head string) (net.Conn, *bufio.Reader) {
		t.Helper()
		conn, err := net.Dial("tcp4", n.plain)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: a\r\n"+head+"\r\n") // an error shows in what comes
		return conn, bufio.NewReader(conn)
	}
	ask := func(path, waiting string) (net.Conn, *bufio.Reader) {
		t.Helper()
		conn, r := from(path, "")
		n.await(t, n.waiting, waiting)
		return conn, r
	}
	status := func(r *bufio.Reader) {
		t.Helper()
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // what is missing is no matter here
		all = append(all, resp.Status[:3], masked(n.line()))
	}
	_, zeroth := ask("/0", "0")
	all = append(all, n.origin.gets(t))
	readers := []*bufio.Reader{zeroth}
	for i := 1; i <= 2; i++ {
		_, r := ask(fmt.Sprintf("/%d", i), fmt.Sprint(i))
		readers = append(readers, r)
	}
	gone, _ := ask("/gone", "3")
	_, r := ask("/3", "4")
	readers = append(readers, r)
	_ = gone.Close()
	n.await(t, n.waiting, "3")
	all = append(all, masked(n.line()))
	for i, r := range readers {
		n.origin.answers <- struct{}{}
		status(r)
		if i < len(readers)-1 {
			all = append(all, n.origin.gets(t))
		}
	}
	_, held := ask("/short/0", "0")
	all = append(all, n.origin.gets(t))
	_, late := ask("/short/1", "0")
	status(late)
	n.origin.answers <- struct{}{}
	status(held)
	// Who belongs to a server for which as many wait as may is refused at once.
	_, first := from("/firm/0", "Cookie: S=A\r\n")
	all = append(all, n.origin.gets(t))
	_, second := from("/firm/1", "Cookie: S=A\r\n")
	n.await(t, n.firm, "1")
	_, third := from("/firm/2", "Cookie: S=A\r\n")
	status(third)
	n.origin.answers <- struct{}{}
	status(first)
	all = append(all, n.origin.gets(t))
	n.origin.answers <- struct{}{}
	status(second)
	return all
}

func (n narrows) await(t *testing.T, waiting func() string, want string) {
	t.Helper()
	for end := time.Now().Add(patience); waiting() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s wait, want %s", waiting(), want)
		}
	}
}

// R14: 503 and sQ when its time in the queue is over; R43: first come first served, and CQ for who leaves. Both balancers, the same course,
// line by line.
func TestIntegrationR14_R43_QueuesBesideHAProxy(t *testing.T) { // not beside others: HAProxy's answers have once not come for 10 s there
	theirs := haproxyWithQueues(t).course(t)
	ours := tandemWithQueues(t).course(t)
	if !slices.Equal(ours, theirs) {
		t.Errorf("Tandem:\n%s\nHAProxy:\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
	for _, want := range []string{
		`127.0.0.1:P [D] f b/<NOSRV> n/n/-1/-1/n -1 B - - CQ-- c/c/4/0/0 0/1 "GET /gone HTTP/1.1"`,
		`127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - ---- c/c/2/0/0 0/1 "GET /1 HTTP/1.1"`,
		`127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - ---- c/c/0/0/0 0/3 "GET /3 HTTP/1.1"`,
		`127.0.0.1:P [D] f short/<NOSRV> n/n/-1/-1/n 503 B - - sQ-- c/c/1/0/0 0/1 "GET /short/1 HTTP/1.1"`,
		`127.0.0.1:P [D] f firm/s1 n/-1/-1/-1/n 503 B - - SQVN c/c/2/1/0 0/0 "GET /firm/2 HTTP/1.1"`,
		`127.0.0.1:P [D] f firm/s1 n/n/n/n/n 200 B - - --VN c/c/0/0/0 1/0 "GET /firm/1 HTTP/1.1"`,
	} {
		if !slices.Contains(ours, want) {
			t.Errorf("no line %s in\n%s", want, strings.Join(ours, "\n"))
		}
	}
}
