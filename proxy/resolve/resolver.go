package resolve

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Options are what a Resolver is made with.
type Options struct {
	Log hclog.Logger // nil: nothing is logged
	// Changed is told when the endpoints of queries have become others, or when the first lookup of some has ended. It is called by Run,
	// one call at a time, and not more often than each 50 ms; nil: nobody is.
	Changed func()

	ResolvConf string // the file; empty: /etc/resolv.conf
	Hosts      string // the file; empty: /etc/hosts
}

// Counters count since the Resolver was made.
type Counters struct {
	Questions  int64 // sent to nameservers, by UDP or TCP
	Timeouts   int64 // not answered in time
	Truncated  int64 // answers that were asked for again by TCP
	BadPackets int64 // what came in the place of an answer and was ignored: no DNS, or nothing that was asked
	Failures   int64 // lookups without an answer, those included which say that there is no such name
}

// Resolver keeps the answers of queries. It is safe for concurrent use.
type Resolver struct {
	log     hclog.Logger
	changed func()
	looker  looker
	counts  *counters
	wake    chan struct{} // capacity 1: there may be something to ask. Sent to by anybody, never closed
	done    chan done     // lookups that have ended. Sent to by the lookups of Run, never closed; Run takes until none is left

	mu      sync.Mutex // guards what follows
	config  Config
	records map[Query]*record
	answers chan struct{} // closed and replaced when a lookup has ended
}

// looker carries out lookups; client is one.
type looker interface {
	lookup(ctx context.Context, c *Config, q Query) (answer, error)
}

// done is a lookup that has ended.
type done struct {
	query  Query
	answer answer
	err    error
}

// New returns a Resolver that asks for nothing yet.
func New(o Options) *Resolver {
	counts := &counters{}
	return newResolver(o, newClient(o, counts), counts)
}

func newResolver(o Options, l looker, counts *counters) *Resolver {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return &Resolver{
		log: o.Log, changed: o.Changed, looker: l, counts: counts, wake: make(chan struct{}, 1), done: make(chan done),
		records: map[Query]*record{}, answers: make(chan struct{}),
	}
}

// Apply says how and what is asked for from now on. What is known of queries that were asked for before stays known.
func (r *Resolver) Apply(c Config, wanted []Query) {
	c.Nameservers = slices.Clone(c.Nameservers)
	r.mu.Lock()
	another := !c.same(&r.config)
	r.config = c
	old := r.records
	r.records = map[Query]*record{}
	for _, q := range wanted {
		if rec := old[q]; rec != nil {
			r.records[q] = rec
			if another {
				rec.next = time.Time{} // other nameservers may know better, and other times are to hold
			}
		}
	}
	r.add(wanted)
	r.mu.Unlock()
	r.look()
}

// add has queries asked for that were not before. mu is held.
func (r *Resolver) add(wanted []Query) {
	for _, q := range wanted {
		if r.records[q] == nil {
			r.records[q] = &record{}
		}
	}
}

// Await asks for queries that are going to be applied, besides those that have been, and returns when a lookup of each has ended, or with
// ctx. It wants Run to run. c holds where nothing has been applied so far.
func (r *Resolver) Await(ctx context.Context, c Config, queries []Query) {
	r.mu.Lock()
	if len(r.records) == 0 {
		r.config = c
	}
	r.add(queries)
	r.mu.Unlock()
	r.look()
	for {
		r.mu.Lock()
		answers := r.answers
		waits := slices.ContainsFunc(queries, func(q Query) bool { rec := r.records[q]; return rec != nil && rec.asked.IsZero() })
		r.mu.Unlock()
		if !waits {
			return
		}
		select {
		case <-answers:
		case <-ctx.Done():
			return
		}
	}
}

// look has Run see what there is to ask.
func (r *Resolver) look() {
	select {
	case r.wake <- struct{}{}:
	default: // it is going to
	}
}

// State returns what is known of a query; the zero State where it is not asked for.
func (r *Resolver) State(q Query) State {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec := r.records[q]; rec != nil {
		return rec.state()
	}
	return State{}
}

// Counters returns what was counted.
func (r *Resolver) Counters() Counters { return r.counts.read() }
