package exchange

import (
	"net/netip"

	"github.com/tandem-lb/tandem/proxy/upstream"
)

// Log says what the access log of a frontend wants to know of requests beyond their account. It is immutable.
type Log struct {
	Request  []Capture // fields of a request's head
	Response []Capture // fields of a response's head
	Cookie   *Capture  // the first cookie whose name and value begin with its Name, of a request and of a response; nil: none
	TLS      bool      // version and cipher suite of the client's connection
	Unheard  bool      // connections that end without a byte from the client are told of too

	Write func(*Record) // takes a record whose Details are those that this Log wants. It does not block
}

// Capture names a field of a head that is logged.
type Capture struct {
	Name   string // upper case makes no difference
	Length int    // how many octets of its value are
}

// Details are what access logs say of a request and no counter needs. They are collected where the frontend has a Log, by the
// engine; what they refer to is valid as long as the Record.
type Details struct {
	Log *Log

	Client      netip.AddrPort
	TLS         bool // the client's connection is TLS
	Version     uint16
	CipherSuite uint16         // as in package tls, like Version; 0: not TLS, or Log.TLS is false
	Server      netip.AddrPort // the last one that was tried; zero: none

	Protocol  string // "HTTP/1.1"; empty: what came was no request, and the next three are empty
	Method    string
	Authority string // the host that is asked for, by the target or the Host field
	Target    string // the request target as it came, in HTTP/2 a path and its query

	Request  Captures
	Response Captures // empty: there was no response of a server
	// The cookies of Log.Cookie; empty: there is none.
	RequestCookie, ResponseCookie []byte
	RequestHead                   int64 // octets; of HTTP/2 those of the fields without compression
	ResponseHead                  int64 // octets that the client was sent, of HTTP/2 with compression
	Unheard                       bool  // the client has sent nothing at all

	// How many there were when the exchange ended.
	ProcessConnections  int64 // of clients
	FrontendConnections int64
	BackendRequests     int64 // other requests
	ServerRequests      int64

	server *upstream.Server // that Server is the address of
}

// try notes that a server is tried.
func (d *Details) try(s *upstream.Server) { d.server, d.Server = s, s.Key().Address }

// Captures are values of fields, in the order of the Captures of a Log.
type Captures struct {
	text []byte
	ends []int // of each, in text
}

// Add notes the value of the next one; nil where the head has no such field.
func (c *Captures) Add(value []byte) {
	c.text = append(c.text, value...)
	c.ends = append(c.ends, len(c.text))
}

// At returns the value of one, counted from 0; it is empty where there was none.
func (c *Captures) At(i int) []byte {
	switch {
	case i >= len(c.ends):
		return nil
	case i == 0:
		return c.text[:c.ends[0]]
	}
	return c.text[c.ends[i-1]:c.ends[i]]
}

// Reset forgets all but the memory.
func (d *Details) Reset() {
	*d = Details{
		Request: d.Request.reset(), Response: d.Response.reset(), RequestCookie: d.RequestCookie[:0], ResponseCookie: d.ResponseCookie[:0],
	}
}

func (c *Captures) reset() Captures { return Captures{text: c.text[:0], ends: c.ends[:0]} }
