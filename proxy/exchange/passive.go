package exchange

import (
	"strconv"
	"time"
)

// tries notes whether the request that a server was just chosen for decides whether that comes back.
func (x *Exchange) tries() {
	if x.backend.Passive != nil && x.server != nil {
		x.trial = x.server.Try()
	}
}

// failed notes what the server has failed by.
func (x *Exchange) failed(now time.Time, what string) {
	if p := x.backend.Passive; p != nil {
		x.server.Failed(now, p, x.trial, what)
		x.trial = false
	}
}

// noConnection notes that connecting came to nothing.
func (x *Exchange) noConnection(now time.Time, why Cause) {
	x.server.ConnectFailed()
	if why != ByDown {
		x.server.Answered(now, now.Sub(x.attemptAt), true)
	}
	switch why {
	case ServerTimeout:
		x.failed(now, "connecting took too long")
	case ByDown: // the checks have found more than that
	default:
		x.failed(now, "connecting failed")
	}
}

// badResponse notes a response that did not come, came broken, or stopped half-way.
func (x *Exchange) badResponse(now time.Time, what string) {
	x.server.ResponseFailed()
	x.answered(now, true)
	x.failed(now, what)
}

// silent notes a response that did not come in time. A process that hangs answers nobody: a probe is to tell at once whether it does,
// for whoever asks it meanwhile waits as long.
func (x *Exchange) silent(now time.Time) {
	x.badResponse(now, "it was silent")
	if x.backend.Doubts {
		x.server.Doubt("it did not answer in time")
	}
}

// goodHead notes the head of a response, which is good unless its status counts as a failure.
func (x *Exchange) goodHead(now time.Time, status int) {
	p := x.backend.Passive
	switch {
	case p == nil:
	case p.Fails(status):
		x.failed(now, "status "+strconv.Itoa(status))
	default:
		x.server.Succeeded(x.trial)
		x.trial = false
	}
}
