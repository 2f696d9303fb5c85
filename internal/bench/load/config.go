package load

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Config is what clients ask for, and how.
type Config struct {
	To          netip.AddrPort // an IPv4 address
	Path        string
	Length      int  // the body that every answer must have, bytes
	Upload      int  // the body of every request, bytes; above 0 the method is POST
	Connections int  // at the same time
	PerRequest  bool // a connection for each request
	TLS         bool // TLS 1.3 with AES-128-GCM
	Resume      bool // every handshake but a client's first resumes a session; otherwise none does
	Streams     int  // requests at the same time on a connection of HTTP/2; 0: HTTP/1
}

// Timing is how long, and how fast.
type Timing struct {
	Warmup, Duration time.Duration
	Rate             float64                       // requests a second, all clients together; 0: as fast as they are answered
	CPU              func() (time.Duration, error) // what the proxy has used so far; read at both ends of Duration
}

// Result is what Run saw in Duration, and every error in Warmup too.
type Result struct {
	Requests int
	Elapsed  time.Duration
	CPU      time.Duration
	Errors   int
	Err      error           // the first of them
	Times    []time.Duration // with a rate: from when a request was due to its answer, or to the end if that came first; in no order
}

// PerRequest is the proxy's CPU time for a request.
func (r Result) PerRequest() time.Duration {
	if r.Requests == 0 {
		return 0
	}
	return r.CPU / time.Duration(r.Requests)
}

// Rate is answers a second.
func (r Result) Rate() float64 { return r.perSecond(float64(r.Requests)) }

// Busy is the share of a core that the proxy used.
func (r Result) Busy() float64 { return r.perSecond(r.CPU.Seconds()) }

func (r Result) perSecond(n float64) float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return n / r.Elapsed.Seconds()
}

// host is whom all requests are for.
const host = "www.example.com"

// fields are what a browser sends with every request.
var fields = [...][2]string{
	{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
	{"Accept", "text/html,application/xml;q=0.9"},
	{"Accept-Language", "en-GB,en;q=0.5"},
	{"Accept-Encoding", "gzip, deflate, br"},
	{"Cookie", "session=8f14e45fceea167a"},
}

// request is the request of HTTP/1, body included.
func (c Config) request() []byte {
	var b strings.Builder
	method := "GET"
	if c.Upload > 0 {
		method = "POST"
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, c.Path, host)
	for _, f := range fields {
		fmt.Fprintf(&b, "%s: %s\r\n", f[0], f[1])
	}
	if c.Upload > 0 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", c.Upload)
	}
	if c.PerRequest {
		b.WriteString("Connection: close\r\n")
	}
	b.WriteString("\r\n")
	b.WriteString(strings.Repeat("u", c.Upload))
	return []byte(b.String())
}
