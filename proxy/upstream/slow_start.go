package upstream

import "time"

// slowStart is which members' weights grow at present. A weight starts to grow when the server comes back from being down, not when
// it is first seen: the others of a balancer that has just started are as cold.
type slowStart struct {
	on     bool      // some members have one; never written
	clock  time.Time // when the weights were last looked at
	rising []int     // members whose weight is not whole
	rises  []bool    // by member: it is in rising
	next   time.Time // when the first of rising comes a step further
}

// rampSteps is in how many steps a weight grows, as with HAProxy. Balancers count weights in these steps.
const rampSteps = 20

// rampStep returns how far a slow start that began at risen has come, 1 to rampSteps. For a clock that has not come to risen it has
// just begun.
func rampStep(now, risen time.Time, slow time.Duration) int {
	if slow <= 0 || risen.IsZero() {
		return rampSteps
	}
	past := max(now.Sub(risen), 0)
	if past >= slow {
		return rampSteps
	}
	return max(1, int(past*rampSteps/slow))
}

// weight returns what share a member has, and remembers it while that grows. mu is held.
func (p *Pool) weight(i int) int {
	m, slow := &p.members[i], &p.slow
	if m.SlowStart == 0 {
		return m.Weight * rampSteps
	}
	risen := m.Risen()
	step := rampStep(slow.clock, risen, m.SlowStart)
	if step < rampSteps && !slow.rises[i] {
		next := risen.Add(m.SlowStart * time.Duration(step+1) / rampSteps)
		if len(slow.rising) == 0 || next.Before(slow.next) {
			slow.next = next
		}
		slow.rising = append(slow.rising, i)
		slow.rises[i] = true
	}
	return m.Weight * step
}

// climb lets the weights grow that do. mu is held.
func (p *Pool) climb(now time.Time) {
	slow := &p.slow
	if len(slow.rising) == 0 || now.Before(slow.next) {
		return
	}
	slow.clock = now
	rising := slow.rising
	slow.rising = rising[:0] // tell puts those back that have a way to go, each behind where it is read
	for _, i := range rising {
		slow.rises[i] = false
		p.tell(i)
	}
}

// Throttle returns what share of its weight a server has in a slow start that began at risen, in percent; 100: all of it.
func Throttle(now, risen time.Time, slow time.Duration) int {
	return rampStep(now, risen, slow) * 100 / rampSteps
}
