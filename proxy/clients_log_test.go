package proxy_test

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/rate"
)

// book is a log that tests read.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Of the connections that are turned away the log tells of the first one, and not of each.
func TestClientsThatAreTurnedAwayAreToldOf(t *testing.T) {
	t.Parallel()
	clients := rate.Clients{IPv4Prefix: 32, IPv6Prefix: 64, TableSize: 1000}
	for _, tt := range []struct {
		name, want string
		bound      rate.Connections
	}{
		{"too many", "[WARN]  a client has too many connections: frontend=f client=127.0.0.1 refused=1\n", rate.Connections{Max: 1, Clients: clients}},
		{"too soon", "[WARN]  a client makes connections too fast: frontend=f client=127.0.0.1 refused=1\n", rate.Connections{Pace: rate.Pace{Count: 1, Per: time.Hour, Burst: 1}, Clients: clients}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var said book
			b := run(t, proxy.Config{Frontends: []proxy.Frontend{{
				Name: "f", Binds: []proxy.Bind{{Address: netip.MustParseAddrPort("127.0.0.1:0")}}, ClientConnections: &tt.bound,
				Timeouts: proxy.FrontendTimeouts{HTTPRequest: patience, Client: patience, KeepAlive: patience, Tunnel: patience},
			}}}, proxy.Options{Drain: 1, Log: hclog.New(&hclog.LoggerOptions{Output: &said, DisableTime: true})})
			for n := range 6 {
				conn, err := net.Dial("tcp4", at(b).plain)
				if err != nil {
					continue // it is reset already
				}
				defer conn.Close()
				if n > 0 {
					_, _ = io.ReadAll(conn) // to the reset
					continue
				}
				for end := time.Now().Add(patience); b.Snapshot().Frontends[0].Connections == 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
				} // until it is in: loops take clients in any order
			}
			if n := b.Snapshot().Frontends[0].TurnedAway; n != 5 {
				t.Errorf("%d were turned away, want 5", n)
			}
			if got := said.String(); got != tt.want {
				t.Errorf("logged %q, want %q", got, strings.TrimSpace(tt.want))
			}
		})
	}
}
