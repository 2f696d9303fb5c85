package proxy

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/engine"
	"github.com/tandem-lb/tandem/proxy/exchange"
)

// frontend is what lives on from one configuration of a frontend to the next.
type frontend struct {
	name  string
	tcp   bool
	route atomic.Pointer[exchange.Frontend]
	limit *engine.Limit
	lines accesslog.Target // where its access log goes

	connections atomic.Int64 // open now
	accepted    atomic.Int64
	requests    atomic.Int64
	classes     [len(Traffic{}.Responses)]atomic.Int64
	unanswered  atomic.Int64
	faults      atomic.Int64
	internal    atomic.Int64
	retries     atomic.Int64
	redispatch  atomic.Int64
	bytesIn     atomic.Int64
	bytesOut    atomic.Int64
	limited     atomic.Int64
	turnedAway  refused
	refusals    tally
}

// tally counts by label.
type tally struct {
	mu sync.Mutex
	n  map[string]int64 // guarded by mu
}

func (t *tally) add(label string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[string]int64{}
	}
	t.n[label]++
}

// counts returns a copy, nil of one that has counted nothing.
func (t *tally) counts() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.n)
}

func (f *frontend) opened() {
	f.connections.Add(1)
	f.accepted.Add(1)
}

// shaken counts a TLS handshake that has failed.
func (f *frontend) shaken(why string) { f.refusals.add("tls_" + why) }

func (f *frontend) closed() { f.connections.Add(-1) }

// account counts one exchange, and logs it where it is to be. A client that left without a word has made no request.
func (f *frontend) account(r *exchange.Record) {
	if d := r.Details; d != nil {
		d.FrontendConnections = f.connections.Load()
		d.Log.Write(r)
		if d.Unheard && r.Status == 0 && !r.Session {
			return
		}
	}
	f.requests.Add(1)
	switch class := r.Status/100 - 1; {
	case class >= 0 && class < len(f.classes):
		f.classes[class].Add(1)
	case !r.Session:
		f.unanswered.Add(1)
	}
	switch r.Termination.Cause {
	case exchange.Normal, exchange.Local:
	case exchange.Internal:
		f.internal.Add(1)
	default:
		f.faults.Add(1)
	}
	switch {
	case r.Limited:
		f.limited.Add(1)
	case r.Why != "":
		f.refusals.add(r.Why)
	}
	f.retries.Add(int64(r.Retries))
	if r.Redispatched {
		f.redispatch.Add(1)
	}
	f.bytesIn.Add(r.BytesIn)
	f.bytesOut.Add(r.BytesOut)
}

// traffic reads the counters.
func (f *frontend) traffic() Traffic {
	t := Traffic{
		Connections: f.connections.Load(),
		Accepted:    f.accepted.Load(),
		Requests:    f.requests.Load(),
		Unanswered:  f.unanswered.Load(),
		Faults:      f.faults.Load(),
		Internal:    f.internal.Load(),
		Retries:     f.retries.Load(),
		Redispatch:  f.redispatch.Load(),
		BytesIn:     f.bytesIn.Load(),
		BytesOut:    f.bytesOut.Load(),
		Limited:     f.limited.Load(),
		TurnedAway:  f.turnedAway.count.Load(),
		Refusals:    f.refusals.counts(),
	}
	for i := range f.classes {
		t.Responses[i] = f.classes[i].Load()
	}
	return t
}
