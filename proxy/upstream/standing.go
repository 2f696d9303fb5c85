package upstream

import "github.com/tandem-lb/tandem/proxy/balance"

// changed takes in that the health of a member is another.
func (p *Pool) changed(i int) {
	p.mu.Lock()
	p.place(i)
	if p.elect() {
		p.tellAll()
	} else {
		p.tell(i)
	}
	p.mu.Unlock()
	if p.queue != nil {
		p.queue.changed()
	}
}

// counted takes in that a member has more or fewer requests.
func (p *Pool) counted(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.load(i)
}

// timedAs takes in how long a server takes.
func (p *Pool) timedAs(i int, l balance.Latency) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timed.SetLatency(i, l)
}

// refresh takes in all there is to know of the servers. mu is held, or nobody has the pool yet.
func (p *Pool) refresh() {
	for i := range p.members {
		p.place(i)
	}
	p.elect()
	p.tellAll()
	for i := range p.members {
		p.load(i)
		if p.timed != nil {
			p.timed.SetLatency(i, p.members[i].lastLatency())
		}
	}
}

// place takes in what a member may be used for. mu is held.
func (p *Pool) place(i int) {
	p.count[p.standing[i]]--
	p.standing[i] = p.members[i].standing()
	p.count[p.standing[i]]++
}

// elect finds out who are chosen among, and reports whether those are others than before. mu is held.
func (p *Pool) elect() (others bool) {
	now, only := upActive, -1
	for now < unusable && p.count[now] == 0 {
		now++
	}
	if p.options.FirstBackup && (now == upBackup || now == unknownBackup || now == heldBackup) {
		for only = 0; p.standing[only] != now; {
			only++
		}
	}
	scarce := now <= unknownActive && p.tooFew()
	others = now != p.now || only != p.only || scarce != p.scarce
	p.now, p.only, p.scarce = now, only, scarce
	return others
}

// tooFew reports whether so many are held back that the others could not bear it: rather all are used then.
func (p *Pool) tooFew() bool {
	left, held := p.count[upActive]+p.count[unknownActive], p.count[heldActive]
	return held > 0 && left*100 < p.options.PanicThreshold*(left+held)
}

func (p *Pool) tellAll() {
	for i := range p.members {
		p.tell(i)
	}
}

// tell has the balancer know what a member's weight is now. mu is held.
func (p *Pool) tell(i int) {
	w := 0
	if (p.standing[i] == p.now || p.scarce && p.standing[i] == heldActive) && p.now != unusable && (p.only < 0 || p.only == i) && !p.members[i].full() {
		w = p.weight(i)
	}
	if w != p.told[i] {
		p.told[i] = w
		p.balancer.SetWeight(i, w)
	}
}

// load has the balancer know of a member's requests, if it goes by them, and whether the member is full. mu is held.
func (p *Pool) load(i int) {
	if !p.seats[i].counts {
		return
	}
	if p.loaded != nil {
		p.loaded.SetInFlight(i, p.members[i].inFlight.Load())
	}
	if p.members[i].MaxConnections > 0 {
		p.tell(i)
	}
	if p.known != nil {
		n := p.members[i].inFlight.Load()
		p.total += n - p.known[i]
		p.known[i] = n
	}
}
