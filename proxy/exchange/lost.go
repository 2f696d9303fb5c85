package exchange

import (
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// again asks the same server once more, or another one where it has been found down meanwhile.
func (x *Exchange) again(now time.Time) Do {
	if x.server.Health().Status == hysteresis.Down && !x.move(now, AtConnect) {
		return x.fail(503, Termination{ByServer, AtConnect})
	}
	return x.connect(now)
}

// instead asks another server in place of one that was found down while the request waited to ask it. That retry has been counted.
func (x *Exchange) instead(now time.Time) Do {
	x.release()
	switch x.pick(now) {
	case upstream.Picked:
		x.record.Redispatched = true
		return x.connect(now)
	case upstream.Full:
		return x.queue(now)
	}
	return x.fail(503, Termination{ByServer, AtConnect})
}

// lost takes in that the server answers nothing any more. Where there is none to go to instead it is waited for, unless it is down: then
// nothing is to be hoped from a connection that is still on its way.
func (x *Exchange) lost(now time.Time, at Phase) Do {
	switch {
	case x.move(now, at):
		return x.connect(now)
	case at == AtConnect && x.server.Health().Status == hysteresis.Down:
		x.noConnection(now, ServerTimeout)
		return x.fail(503, Termination{ServerTimeout, at})
	}
	return Stay
}

// move gives the request to another server, and reports whether there is one. at is what has come of it with the one that it had.
func (x *Exchange) move(now time.Time, at Phase) bool {
	if x.left == 0 || x.stuck && !x.backend.Redispatch && x.server.Health().Status != hysteresis.Down {
		return false
	}
	x.tried = append(x.tried, x.server)
	other, _ := x.backend.Servers.Pick(x.choice(now))
	if other == nil || other == x.server {
		x.tried = x.tried[:len(x.tried)-1]
		if other != nil {
			other.Release()
		}
		return false
	}
	if at == AtConnect {
		x.noConnection(now, ServerTimeout)
	} else {
		x.badResponse(now, "it was silent")
	}
	x.release()
	x.server = other
	x.settle(false)
	x.tries()
	x.left--
	x.record.Retries++
	x.record.Redispatched = true
	return true
}
