package loadtest

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// How a body is delimited.
const (
	byLength = "length"
	byChunks = "chunked"
	byClose  = "close" // responses alone
)

// Where a server breaks off.
const (
	cutHead  = "head"  // before the response's head
	cutReset = "reset" // in its body, by RST
	cutClose = "close" // in its body, by FIN
)

// script is one request, and what its server is to make of it. It travels in the request's target, so the line of a log
// says all that it takes to send the request again.
type script struct {
	Kind    string        // the scenario's name
	ID      uint64        // unlike that of all others of a run; both bodies are made of it
	Up      int64         // octets of the request's body; -1: it has none
	Down    int64         // octets of the response's body
	Frame   string        // of the response's body
	Trailer bool          // chunked bodies have a trailer
	Text    bool          // the response is of a kind that a balancer may compress
	Hints   bool          // a 103 comes before the response
	Wait    time.Duration // the server thinks
	Pace    time.Duration // the server pauses between two pieces of the response
	Cut     string        // where the server breaks off; "": it does not
	CutAt   int64         // after so many octets of the body
	Abort   bool          // the client will leave before the end, and that is no fault
	Tunnel  bool          // the server switches protocols and echoes
}

// Names of fields.
const (
	idField  = "Load-Id"
	sumField = "Load-Sum" // the trailer
)

// host is the Host of every request.
const host = "www.example.com"

// prefix begins the path of every target.
const prefix = "/load/"

// fields are what stands in the query, by name, with the values of now.
func (s *script) fields() *flag.FlagSet {
	f := flag.NewFlagSet("", flag.ContinueOnError)
	f.Uint64Var(&s.ID, "id", s.ID, "")
	f.Int64Var(&s.Up, "up", s.Up, "")
	f.Int64Var(&s.Down, "down", s.Down, "")
	f.StringVar(&s.Frame, "frame", s.Frame, "")
	f.BoolVar(&s.Trailer, "trailer", s.Trailer, "")
	f.BoolVar(&s.Text, "text", s.Text, "")
	f.BoolVar(&s.Hints, "hints", s.Hints, "")
	f.DurationVar(&s.Wait, "wait", s.Wait, "")
	f.DurationVar(&s.Pace, "pace", s.Pace, "")
	f.StringVar(&s.Cut, "cut", s.Cut, "")
	f.Int64Var(&s.CutAt, "cut_at", s.CutAt, "")
	f.BoolVar(&s.Abort, "abort", s.Abort, "")
	f.BoolVar(&s.Tunnel, "tunnel", s.Tunnel, "")
	return f
}

// target is the script as a path and a query, which leaves out what is zero.
func (s script) target() string {
	var unset script
	zero, q := unset.fields(), url.Values{}
	s.fields().VisitAll(func(f *flag.Flag) {
		if text := f.Value.String(); text != zero.Lookup(f.Name).DefValue {
			q.Set(f.Name, text)
		}
	})
	return prefix + s.Kind + "?" + q.Encode()
}

// parseTarget is the reverse of target.
func parseTarget(target string) (s script, err error) {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return s, fmt.Errorf("read a target: %w", err)
	}
	kind, ok := strings.CutPrefix(u.Path, prefix)
	if !ok {
		return s, fmt.Errorf("target %q: want a path below %s", target, prefix)
	}
	fields := s.fields()
	for name, values := range u.Query() {
		if err := fields.Set(name, values[0]); err != nil {
			return s, fmt.Errorf("target %q: %s: %w", target, name, err)
		}
	}
	s.Kind = kind
	return s, nil
}

func (s script) up() body   { return body{2 * s.ID, max(s.Up, 0)} }
func (s script) down() body { return body{2*s.ID + 1, s.Down} }

// sum is what the trailers of both bodies say.
func (s script) sum() string { return strconv.FormatUint(s.ID, 16) }

// wantHead judges the head of the response to it.
func (s script) wantHead(status int, h http.Header) error {
	if status != http.StatusOK {
		return statusError(status)
	}
	if got := h.Get(idField); got != strconv.FormatUint(s.ID, 10) {
		return fmt.Errorf("the response is that to request %q", got)
	}
	return nil
}
