package accesslog

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// Log writes the lines of one frontend as one configuration says. It is safe for concurrent use.
type Log struct {
	format *Format
	wants  exchange.Log
	share  uint64        // of 1<<32: how much of a line each record adds up to
	turn   atomic.Uint64 // what they have added up to
	target *Target       // set before the first Write
	lines  sync.Pool     // of *scratch
}

// scratch is what a line is made in.
type scratch struct {
	text []byte
	line line

	second int64         // of the record by which off was found
	off    time.Duration // how far the records' clock is behind that of the host
}

// begin is when a request began by the clock of the host. The record's own times are by one that nobody sets; once a second it is
// asked how far it is off, of a request that has just ended.
func (s *scratch) begin(r *exchange.Record) time.Time {
	end := r.Begin.Add(r.Active)
	if second := end.Unix(); second != s.second {
		s.second, s.off = second, time.Since(end.Round(0)) // Round: by the host's clock, not by the monotonic one
	}
	return r.Begin.Add(s.off)
}

// maxLine bounds a line, in octets: no client makes one as long with the limits that heads have.
const maxLine = 64 << 10

// New checks a configuration, all but its outputs, and returns its Log.
func New(c Config) (*Log, error) {
	f, err := Parse(c.Format, c.Request, c.Response)
	if err != nil {
		return nil, err
	}
	l := &Log{format: f, share: 1 << 32}
	if c.Sample != 0 {
		if !(c.Sample > 0 && c.Sample <= 1) {
			return nil, fmt.Errorf("sample %v, want more than 0 and at most 1", c.Sample)
		}
		l.share = uint64(math.Round(c.Sample * (1 << 32)))
	}
	for _, all := range [][]exchange.Capture{f.request, f.response} {
		for _, capture := range all {
			if capture.Name == "" || capture.Length < 1 {
				return nil, fmt.Errorf("capture of %d octets of %q, want a name and 1 or more", capture.Length, capture.Name)
			}
		}
	}
	if w := c.Cookie; w != nil && (w.Name == "" || w.Length < 1) {
		return nil, fmt.Errorf("capture of %d octets of cookie %q, want a name and 1 or more", w.Length, w.Name)
	}
	f.cookie = c.Cookie != nil
	l.wants = exchange.Log{Cookie: c.Cookie, Request: f.request, Response: f.response, TLS: f.tls, Unheard: c.Null, Write: l.write}
	l.lines.New = func() any { return new(scratch) }
	return l, nil
}

// Wants returns what the Log wants to know of requests. Its Write is the Log's.
func (l *Log) Wants() *exchange.Log { return &l.wants }

// To says where lines go. It must be called before the first Write.
func (l *Log) To(t *Target) { l.target = t }

// write writes the line of a record to all outputs, if it has its turn.
func (l *Log) write(r *exchange.Record) {
	if r.NoLog || r.Details.Unheard && !l.wants.Unheard {
		return
	}
	sinks := l.target.sinks.Load()
	if sinks == nil || !l.sampled() {
		return
	}
	s := l.lines.Get().(*scratch)
	s.text = l.format.appendLine(s.text[:0], r, s.begin(r), &s.line)
	line := s.text[:min(len(s.text), maxLine)]
	for _, to := range *sinks {
		to.put(line)
	}
	s.line.r, s.line.d = nil, nil // they are somebody else's from here on
	l.lines.Put(s)
}

// sampled reports whether it is a line's turn: of each 1/Sample records exactly one is, wherever they come from.
func (l *Log) sampled() bool {
	if l.share == 1<<32 {
		return true
	}
	after := l.turn.Add(l.share)
	return after>>32 != (after-l.share)>>32
}

// Target is the outputs of a frontend, which change with a reload. It is safe for concurrent use; the zero Target has none.
type Target struct {
	sinks atomic.Pointer[[]*Sink]
}
