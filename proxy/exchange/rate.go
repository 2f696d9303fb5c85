package exchange

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/rate"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// Rate bounds how often a client may ask.
type Rate struct {
	Table *rate.Table // of what clients have used up; it outlives the Rate

	pace   rate.Pace
	exempt *rule.Networks // of clients that have no bound; nil: none has
	reply  Reply          // to those that ask too often
}

// NewRate returns the Rate that r describes, of clients that a Table knows. pages are those of the frontend.
func NewRate(r *rate.Requests, t *rate.Table, pages Pages) *Rate {
	return &Rate{Table: t, pace: r.Pace, exempt: rule.NewNetworks(r.Exempt), reply: pages.reply(r.Status)}
}

// limited is the Record's Why of a request that comes too soon.
const limited = "client_rate"

// hurries answers a client that asks too often, and returns 0 to others. Clients of a Unix socket have no address, and no bound.
func (x *Exchange) hurries(r *Rate) Do {
	from := x.request.Client
	if !from.IsValid() || r.exempt != nil && r.exempt.Has(from) {
		return 0
	}
	wait, ok := r.Table.Take(x.headAt, from, r.pace)
	if ok {
		return 0
	}
	x.record.Limited, x.record.Why = true, limited
	reply := r.reply
	reply.RetryAfter = int((wait + time.Second - 1) / time.Second)
	return x.respond(reply, Termination{ByProxy, AtRequest})
}
