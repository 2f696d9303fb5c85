package resolve

import (
	"context"
	"time"
)

const (
	// maxLookups bounds how many lookups are under way at once. One takes milliseconds; while nameservers are silent, seconds.
	maxLookups = 32
	// longest is how long nothing is looked at that nobody has woken Run for.
	longest = time.Hour
	// gap is the least time between two calls of Options.Changed: when thousands of names are answered at once, each call may cost as
	// much as thousands of names do.
	gap = 50 * time.Millisecond
)

// Run asks for what is applied, again and again, until ctx ends; then it returns nil, when nothing of it runs any more. It can be called
// once.
func (r *Resolver) Run(ctx context.Context) error {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	busy := 0
	news, told := false, time.Time{}
	for {
		wait := longest
		if since := time.Since(told); news && since >= gap {
			r.changed()
			news, told = false, time.Now()
		} else if news {
			wait = gap - since
		}
		if busy < maxLookups {
			due, next := r.due(time.Now(), maxLookups-busy)
			for _, q := range due {
				busy++
				go r.ask(ctx, q)
			}
			wait = min(wait, next)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			for ; busy > 0; busy-- {
				<-r.done
			}
			return nil
		case <-r.wake:
		case <-timer.C:
		case d := <-r.done:
			busy--
			news = r.took(time.Now(), d) || news
		}
	}
}

// ask carries out a lookup.
func (r *Resolver) ask(ctx context.Context, q Query) {
	r.mu.Lock()
	c := r.config
	r.mu.Unlock()
	a, err := r.looker.lookup(ctx, &c, q)
	r.done <- done{q, a, err} // Run takes it, even after its end
}

// due begins what is to be asked for now, at most so much of it, and returns when there is more.
func (r *Resolver) due(now time.Time, most int) (all []Query, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wait = longest
	for q, rec := range r.records {
		switch {
		case rec.asking:
		case rec.next.After(now):
			wait = min(wait, rec.next.Sub(now))
		case len(all) < most:
			rec.begin(now)
			all = append(all, q)
		}
	}
	return all, wait // what is left over waits for a lookup to end
}

// took takes in a lookup that has ended, and reports whether that is worth a call of Options.Changed.
func (r *Resolver) took(now time.Time, d done) (news bool) {
	r.mu.Lock()
	rec := r.records[d.query]
	if rec == nil { // nobody asks any more
		r.mu.Unlock()
		return false
	}
	first, before := rec.asked.IsZero(), rec.err
	changed := rec.end(now, &r.config, d.answer, d.err)
	state := rec.state()
	close(r.answers)
	r.answers = make(chan struct{})
	r.mu.Unlock()
	if d.err != nil {
		r.counts.failures.Add(1)
	}
	r.tell(d.query, before, state)
	return changed || first
}

// tell tells the operator of a first failure, of one for another reason, and of the end of them.
func (r *Resolver) tell(q Query, before error, now State) {
	switch {
	case now.Err == nil && before != nil:
		r.log.Info("name has an answer again", "name", q.Name)
	case now.Err == nil:
	case before == nil, isAbsent(before) != isAbsent(now.Err):
		r.log.Warn("name has no answer", "name", q.Name, "kept", len(now.Endpoints), "err", now.Err)
	}
}

// Hurry has a query asked for before its time, for the addresses that are known are of no use: at once, but not within MinTTL of the lookup
// before.
func (r *Resolver) Hurry(q Query) {
	now := time.Now()
	r.mu.Lock()
	rec := r.records[q]
	sooner := rec != nil && rec.hurry(now, &r.config)
	r.mu.Unlock()
	if sooner {
		r.look()
	}
}

// Answer is what a query has come to.
type Answer struct {
	Endpoints []Endpoint
	Err       error // nil: nothing went wrong, or ctx has ended before there was an answer
	Took      time.Duration
}

// LookUp asks for queries once, and returns what each has come to until ctx ended.
func LookUp(ctx context.Context, c Config, queries []Query) []Answer {
	return lookUp(ctx, New(Options{}), c, queries)
}

// lookUp is LookUp by a Resolver that does not run yet.
func lookUp(ctx context.Context, r *Resolver, c Config, queries []Query) []Answer {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.Run(ctx) // it returns no error
	}()
	start := time.Now()
	r.Await(ctx, c, queries)
	now := time.Now()
	cancel()
	<-ended
	answers := make([]Answer, len(queries))
	for i, q := range queries {
		s := r.State(q)
		answers[i] = Answer{Endpoints: s.Endpoints, Err: s.Err, Took: now.Sub(start)}
		if !s.Asked.IsZero() {
			answers[i].Took = s.Asked.Sub(start)
		}
	}
	return answers
}
