package status

import (
	"net/netip"
	"time"
)

// Frontend is one place where clients connect.
type Frontend struct {
	Name        string `json:"name"`
	Binds       []Bind `json:"binds"`
	Connections int64  `json:"connections"` // open now
	Accepted    int64  `json:"accepted"`    // since the start
	Requests    int64  `json:"requests"`    // answered since the start, errors included

	LimitedRequests    int64 `json:"limited_requests,omitempty"`    // refused since the start, of clients that asked too often
	LimitedConnections int64 `json:"limited_connections,omitempty"` // closed since the start, of clients that had too many or made them too fast
	ForgottenClients   int64 `json:"forgotten_clients,omitempty"`   // that the tables for this had no room for
}

// Bind is one listening address.
type Bind struct {
	Address netip.AddrPort `json:"address"`        // of a Unix socket the empty one
	Path    string         `json:"path,omitempty"` // of a Unix socket
	TLS     bool           `json:"tls"`
	VIP     bool           `json:"vip"`  // the gate is that of a virtual address; else it is always open
	Gate    string         `json:"gate"` // closed, open or draining
}

// TLS is what TLS listeners prove themselves by.
type TLS struct {
	Certificates []Certificate      `json:"certificates"` // by file
	Alarms       []CertificateAlarm `json:"alarms"`       // by file
	Renewals     uint64             `json:"renewals"`     // certificates that came from files which had changed
	Failures     uint64             `json:"failures"`     // times that a file was found not to be usable
}

// AccessLog is one output of access logs.
type AccessLog struct {
	Output string `json:"output"`
	Lines  int64  `json:"lines"`           // since it was first configured
	Lost   int64  `json:"lost"`            // lines that were dropped: the output was too slow, or failed
	Error  string `json:"error,omitempty"` // the last one
}

// Certificate is one that is in use.
type Certificate struct {
	File         string    `json:"file"`
	Names        []string  `json:"names"` // host names and addresses
	Key          string    `json:"key"`   // kind and size
	NotBefore    time.Time `json:"not_before"`
	NotAfter     time.Time `json:"not_after"`
	StapledUntil time.Time `json:"stapled_until,omitzero"` // how long its OCSP response is good
}

// CertificateAlarm is what is wrong with a file of TLS. What was good before is in use.
type CertificateAlarm struct {
	File  string    `json:"file"`
	Text  string    `json:"text"`
	Since time.Time `json:"since,omitzero"`
}

// Backend is a pool of servers.
type Backend struct {
	Name      string   `json:"name"`
	Algorithm string   `json:"algorithm"`
	Healthy   int      `json:"healthy"`
	Known     bool     `json:"known"`                 // the first round of checks has ended
	Waiting   int64    `json:"waiting,omitempty"`     // requests that no server has room for
	Table     *Table   `json:"stick_table,omitempty"` // of who had which server
	Servers   []Server `json:"servers"`
}

// Table is a table of clients.
type Table struct {
	Size    int   `json:"size"` // how many clients it has room for
	Clients int   `json:"clients"`
	Evicted int64 `json:"evicted"` // that had to make room before their time, since the start
}

// Server is one member of a backend.
type Server struct {
	Name             string         `json:"name"`
	Address          netip.AddrPort `json:"address"`          // empty: nobody knows it yet
	Path             string         `json:"path,omitempty"`   // of a Unix socket, which has no address
	Lookup           string         `json:"lookup,omitempty"` // the name that it is found by
	Weight           int            `json:"weight"`
	Throttle         int            `json:"throttle"`                // percent of the weight that it has; less than 100 during a slow start
	Backup           bool           `json:"backup"`                  // used when no other is left
	Status           string         `json:"status"`                  // up, down or unknown
	Check            string         `json:"check,omitempty"`         // what the last check saw
	CheckCode        int            `json:"check_code,omitempty"`    // status of HTTP or gRPC, or a script's, where it got one that is not 0
	CheckSeconds     float64        `json:"check_seconds,omitempty"` // how long it took
	CheckedAt        time.Time      `json:"checked_at,omitzero"`     // when it ended
	Since            time.Time      `json:"since,omitzero"`
	Held             string         `json:"held,omitempty"`         // doubted, ejected or half-open: it gets nothing while enough others can, or one request that decides
	EjectedUntil     time.Time      `json:"ejected_until,omitzero"` // of ejected
	Ejections        int64          `json:"ejections,omitempty"`    // since the start
	InFlight         int64          `json:"in_flight"`
	Requests         int64          `json:"requests"`
	ConnectFailures  int64          `json:"connect_failures"`
	ResponseFailures int64          `json:"response_failures"`

	HandshakeFailures map[string]int64 `json:"handshake_failures,omitempty"` // TLS handshakes that failed, of connect_failures, by reason
}
