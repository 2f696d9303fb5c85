package tracker

import (
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

// Kind names a kind of tracker, as configuration and status spell it.
type Kind string

// The kinds of this version; kinds.go holds the one table of them.
const (
	KindScript    Kind = "script"
	KindInterface Kind = "interface"
	KindBackend   Kind = "backend"
	KindFile      Kind = "file"
	KindGateway   Kind = "gateway"
)

// ID names one tracker on a node: what is watched, apart from who watches it.
type ID struct {
	Kind      Kind
	Name      string // the name of the script, interface, backend or file, or the gateway's address
	MinUp     int    // backend only: how many healthy servers make it up, at least 1; 0 for other kinds
	Interface string // gateway only: where it is asked; empty for other kinds
}

// Script is a command whose exit status 0 means success.
type Script struct {
	Name     string        // unique on a node
	Command  []string      // absolute path and arguments; no shell
	Interval time.Duration // between the starts of two runs; a run that is still going is not overlapped
	Timeout  time.Duration // the whole process group is killed at this age, and the run counts as failed
	Rise     int           // successes in a row that make it up, at least 1; the first one is enough at start
	Fall     int           // failures in a row that make it down, at least 1
	User     string        // whom it runs as; empty: tandem_script where that user exists

	Init hysteresis.Status // what holds before the first result: Unknown, else that many results away as Rise and Fall say
}

// File is a number that someone writes: an operator who wants a node to give way, for example.
type File struct {
	Name    string // unique on a node
	Path    string // absolute; a symbolic link is followed
	Missing int    // the number that counts while there is no file
}

// Gateway is a neighbour that has to answer: ARP requests (RFC 826), or with IPv6 neighbour solicitations (RFC 4861).
type Gateway struct {
	Address   netip.Addr    // without a zone: Interface says it
	Interface string        // where it is asked
	Interval  time.Duration // between two requests
	Timeout   time.Duration // how long an answer may take; at most Interval
	Rise      int           // answers in a row that make it up, at least 1
	Fall      int           // requests in a row without an answer that make it down, at least 1
	Virtual   []netip.Addr  // addresses that move between nodes: none of them ever asks

	Init hysteresis.Status // what holds before the first result, as a Script's
}

// Binding ties a tracker to an instance.
type Binding struct {
	ID     ID
	Weight int // -253 to 253. Positive: added while up. Negative: subtracted while down. 0: FAULT while down. File: a factor.
}
