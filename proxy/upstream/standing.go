package upstream

// changed takes in that the health of a member is another.
func (p *Pool) changed(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.place(i)
	if p.elect() {
		p.tellAll()
	} else {
		p.tell(i)
	}
}

// counted takes in that a member has more or fewer requests.
func (p *Pool) counted(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.load(i)
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
	if p.options.FirstBackup && (now == upBackup || now == unknownBackup) {
		for only = 0; p.standing[only] != now; {
			only++
		}
	}
	others = now != p.now || only != p.only
	p.now, p.only = now, only
	return others
}

func (p *Pool) tellAll() {
	for i := range p.members {
		p.tell(i)
	}
}

// tell has the balancer know what a member's weight is now. mu is held.
func (p *Pool) tell(i int) {
	w := 0
	if p.standing[i] == p.now && p.now != unusable && (p.only < 0 || p.only == i) && !p.members[i].full() {
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
}
