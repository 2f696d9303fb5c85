package engine

import (
	"sync"
	"sync/atomic"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// maxVerifying bounds the requests that wait to be verified, of all loops together: who tries passwords keeps others waiting otherwise.
const maxVerifying = 256

// verifier runs what takes long and says whether a request may go on. The loops start it, and never wait for it.
type verifier struct {
	waiting atomic.Int64
	turns   chan struct{} // as many as run at once; each sends before it runs, and receives after
	all     sync.WaitGroup
}

func newVerifier(atOnce int) *verifier { return &verifier{turns: make(chan struct{}, atOnce)} }

// start calls check on a goroutine when it is its turn, and then has post, a loop's Post, call done. It reports false where too many wait.
func (v *verifier) start(post func(func(*loop.Loop)) bool, check func() bool, done func(ok bool)) bool {
	if v.waiting.Add(1) > maxVerifying {
		v.waiting.Add(-1)
		return false
	}
	v.all.Go(func() {
		v.turns <- struct{}{} // what holds one gives it back: it only computes
		ok := check()
		<-v.turns
		v.waiting.Add(-1)
		post(func(*loop.Loop) { done(ok) }) // a loop that has ended has ended its streams
	})
	return true
}

// verification is what a stream waits for. A stream that ends leaves it.
type verification struct {
	s *stream // nil: nobody waits any more. Owned by the loop
}

// verify finds out whether the request may go on.
func (s *stream) verify(check func() bool) {
	v := &verification{s: s}
	s.verification = v
	if !s.core.engine.verifier.start(s.core.loop.Post, check, v.done) {
		s.forgetVerification()
		s.tell(exchange.Overloaded)
	}
}

func (v *verification) done(ok bool) {
	s := v.s
	if s == nil {
		return
	}
	defer s.rescue()
	s.forgetVerification()
	if ok {
		s.tell(exchange.Verified)
	} else {
		s.tell(exchange.Unverified)
	}
}

func (s *stream) forgetVerification() {
	if v := s.verification; v != nil {
		v.s, s.verification = nil, nil
	}
}
