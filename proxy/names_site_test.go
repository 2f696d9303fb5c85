package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/resolve"
	"github.com/tandem-lb/tandem/proxy/resolve/resolvetest"
)

// logbook is what is logged, line by line.
type logbook chan string

func (l logbook) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default: // more than a test causes
	}
	return len(p), nil
}

// await waits for a line with all of these words.
func (l logbook) await(t *testing.T, words ...string) {
	t.Helper()
	for patience := time.After(20 * time.Second); ; {
		select {
		case line := <-l:
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
				return
			}
		case <-patience:
			t.Fatalf("no line with %q was logged", words)
		}
	}
}

// island is a loopback address with a server, which says where it is.
type island struct {
	server *http.Server
	asked  chan string // Host and path of each request but "/", as far as it has room
}

// islands are servers at 127.0.0.2 and further, all at one port.
func islands(t *testing.T, n int) (port uint16, all []*island) {
	t.Helper()
	var listeners []net.Listener
	for len(listeners) < n {
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.%d:%d", len(listeners)+2, port))
		switch {
		case err == nil:
			listeners = append(listeners, l)
			port = l.Addr().(*net.TCPAddr).AddrPort().Port()
		case port == 0:
			t.Fatal(err)
		default: // somebody has that port at another address
			for _, l := range listeners {
				_ = l.Close()
			}
			listeners, port = nil, 0
		}
	}
	var ended sync.WaitGroup
	for i, l := range listeners {
		one := &island{asked: make(chan string, 1000)}
		one.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				select {
				case one.asked <- r.Host + r.URL.Path:
				default:
				}
			}
			if r.URL.Path == "/slow" {
				select {
				case <-slow(r):
				case <-r.Context().Done():
				}
			}
			_, _ = fmt.Fprint(w, i+2) // an error shows at the client
		})}
		ended.Go(func() { _ = one.server.Serve(l) }) // ends with Close
		all = append(all, one)
	}
	t.Cleanup(func() {
		for _, one := range all {
			_ = one.server.Close()
		}
		ended.Wait()
	})
	return port, all
}

// slow is when the answer to a request is due: when its body has ended.
func slow(r *http.Request) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, r.Body) // an error is an end as well
		close(ended)
	}()
	return ended
}

// lookedUp returns a configuration whose server is looked up at a nameserver of the test.
func lookedUp(s *resolvetest.Server, server proxy.Server) proxy.Config {
	c := valid()
	c.Frontends[0].Rules, c.Frontends[0].DefaultBackend = nil, "app"
	f := &c.Frontends[0].Timeouts
	f.Client, f.KeepAlive = 20*time.Second, 20*time.Second
	server.Weight = 1
	c.Backends[0].Servers = []proxy.Server{server}
	c.Backends[0].Retries = 3
	c.Resolvers = resolve.Config{
		Nameservers: []netip.AddrPort{s.Address}, Timeout: 5 * time.Second, Attempts: 2, MinTTL: time.Second, MaxTTL: time.Minute, HoldAbsent: time.Second,
	}
	return c
}

// logged runs a Proxy of which the test hears.
func logged(t *testing.T, c proxy.Config) (balancer, logbook) {
	t.Helper()
	book := make(logbook, 10000)
	return run(t, c, proxy.Options{Drain: 1, Log: hclog.New(&hclog.LoggerOptions{Output: book, Level: hclog.Debug})}), book
}

// records are A records of 127.0.0.0/24, good for a second.
func records(name string, last ...int) (texts []string) {
	for _, n := range last {
		texts = append(texts, fmt.Sprintf("%s. 1 IN A 127.0.0.%d", name, n))
	}
	return texts
}

// get asks the balancer, and returns the status and the body, which is who has answered.
func get(t *testing.T, b balancer, client *http.Client) (int, string) {
	t.Helper()
	resp, err := client.Get("http://" + b.Snapshot().Frontends[0].Binds[0].Address.String() + "/")
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// answers counts who answers so many requests.
func answers(t *testing.T, b balancer, n int) map[string]int {
	t.Helper()
	client, by := newClient(t), map[string]int{}
	for range n {
		status, who := get(t, b, client)
		if status != 200 {
			who = fmt.Sprint(status)
		}
		by[who]++
	}
	return by
}

// addresses are the last octets of the addresses of servers, by name.
func addresses(b balancer) map[string]string {
	all := map[string]string{}
	for _, s := range b.Snapshot().Backends[0].Servers {
		if all[s.Name] = "none"; s.Address.IsValid() {
			all[s.Name] = strings.TrimPrefix(s.Address.Addr().String(), "127.0.0.")
		}
	}
	return all
}
