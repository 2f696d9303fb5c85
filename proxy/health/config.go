package health

import "time"

// Check says how the servers of a backend are probed. Exactly one of TCP and HTTP is used: HTTP where it is not nil.
type Check struct {
	HTTP     *HTTP         // nil: a connection is the probe, with TLS where the server has it
	Interval time.Duration // between the starts of two probes of one server, jittered so that servers are not probed in step; 0: 2 s
	Timeout  time.Duration // for a whole probe; 0: the interval
	Rise     int           // successes in a row that make a server healthy, at least 1
	Fall     int           // failures in a row that make it unhealthy, at least 1
}

// HTTP is a probe by one request, of HTTP/2 where the server speaks it, else of HTTP/1.1.
type HTTP struct {
	Method       string // empty: GET
	Path         string // empty: /
	Host         string // Host header; empty: the server's address
	ExpectStatus []int  // statuses that count as success; empty: 200 to 399
	Port         uint16 // 0: the server's own port; at another one there is no TLS and no HTTP/2
}
