package engine_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// All talks go as they should on a kind kernel, and nothing is left of them.
func TestTalks(t *testing.T) {
	t.Parallel()
	for _, list := range [][]talk{talks, faults, sessions} {
		for i := range list {
			t.Run(list[i].name, func(t *testing.T) {
				w := newWorld(t, site{})
				w.give(&list[i], nil)
				w.ended()
			})
		}
	}
}

// everyWay gives all talks that are not too long in each of many ways.
func everyWay(t *testing.T, give func(t *testing.T, talk *talk)) {
	for _, list := range [][]talk{talks, faults, sessions} {
		for i := range list {
			t.Run(list[i].name, func(t *testing.T) {
				t.Parallel()
				give(t, &list[i])
			})
		}
	}
}

// cutAt cuts what is said in one step in two.
func cutAt(step, at int) func(int) []int {
	return func(i int) []int {
		if i == step {
			return []int{at}
		}
		return nil
	}
}

// Wherever what is said is cut in two, the other side hears the same.
func TestEverySplit(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, talk *talk) {
		for i, s := range talk.steps {
			if s.does != says {
				continue
			}
			for at := 0; at <= len(s.text); at += stride(len(s.text)) {
				w := newWorld(t, site{})
				w.give(talk, cutAt(i, at))
				w.step()
				w.end()
				if t.Failed() {
					t.Fatalf("%s: step %d is cut at %d: %s", talk.name, i, at, brief(s.text[:at]))
				}
			}
		}
	})
}

// On a kernel that is unkind in any way, and with cuts at any two places, the other side hears the same.
func TestAnyKernel(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, talk *talk) {
		for seed := range uint64(40 / every) {
			random := rand.New(rand.NewPCG(seed, 0))
			w := newWorld(t, site{seed: seed})
			w.net.Split = []int{0, 0, 1, 2, 7, 100}[random.IntN(6)]
			w.backend.Ahead = int(seed%2) * largeHold
			if talk.large {
				w.net.Split *= 1000
			}
			w.give(talk, func(i int) []int {
				n := len(talk.steps[i].text)
				return slices.Sorted(slices.Values([]int{random.IntN(n + 1), random.IntN(n + 1)}))
			})
			w.step()
			w.end()
			if t.Failed() {
				t.Fatalf("%s: seed %d", talk.name, seed)
			}
		}
	})
}

// Whichever call finds nothing, or no room, or is interrupted, the other side hears the same.
func TestEveryCallFails(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, talk *talk) {
		for _, op := range []looptest.Op{looptest.OpWait, looptest.OpAccept, looptest.OpRecv, looptest.OpSend, looptest.OpSplice} {
			for _, err := range []error{syscall.EAGAIN, syscall.EINTR} {
				if op == looptest.OpWait && err == syscall.EAGAIN {
					continue // it never does
				}
				calls := everyCall(t, talk, op, err, -1)
				for n := 0; n < calls; n += (1 + calls/50) * every {
					everyCall(t, talk, op, err, n)
				}
			}
		}
	})
}

// everyCall gives a talk in which the nth call of an operation comes to an error; below 0: none does. It returns how many calls there
// were.
func everyCall(t *testing.T, talk *talk, op looptest.Op, err error, n int) (calls int) {
	w := newWorld(t, site{})
	if n >= 0 {
		w.net.Fail(op, append(make([]error, n), err)...)
	}
	w.give(talk, nil)
	w.step()
	w.end()
	if t.Failed() {
		t.Fatalf("%s: call %d of %v comes to %v", talk.name, n, op, err)
	}
	return w.net.Calls[op]
}

// However little a call moves, the other side hears the same.
func TestShortCalls(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, talk *talk) {
		for split := 1; split < 60; split += every {
			w := newWorld(t, site{})
			w.net.Split = split
			if talk.large {
				w.net.Split *= 997
			}
			w.give(talk, nil)
			w.step()
			w.end()
			if t.Failed() {
				t.Fatalf("%s: %d octets a call", talk.name, w.net.Split)
			}
		}
	})
}

// A client, and a server, that take so much and then nothing for a while hear the same.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, talk *talk) {
		for _, who := range []side{client, server} {
			most := 0
			for _, s := range talk.steps {
				if s.who == who && s.does == hears {
					most = max(most, len(s.text))
				}
			}
			for window := 1; window < most; window += stride(most) {
				w := newWorld(t, site{})
				w.backend.Ahead = window % 2 * largeHold
				w.giveSlowly(talk, who, window)
				w.step()
				w.end()
				if t.Failed() {
					t.Fatalf("%s: the %v takes %d octets before it waits", talk.name, who, window)
				}
			}
		}
	})
}

// largeHold is more than is held of the response of any talk.
const largeHold = 1 << 20

// stride is how far apart the places are where a text is cut: all places, if it is not too long.
func stride(octets int) int {
	if octets < 2000 {
		return every
	}
	return (octets/50 + 1) * every
}

// TestAnsweredOnceThoughItCameInPieces: a request whose head came in pieces stayed where it was kept when the balancer answered it itself,
// and was answered again and again; and one that came behind such a request in one piece was not looked at.
func TestAnsweredOnceThoughItCameInPieces(t *testing.T) {
	t.Parallel()
	const own, answer = "GET /own HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown"
	w := newWorld(t, site{})
	c := w.net.Dial(here)
	for i, say := range []string{own[:10], own[10:], own, own + own + own[:5], own[5:] + own} {
		c.Say(say)
		w.step()
		want := strings.Repeat(answer, []int{0, 1, 2, 4, 6}[i])
		if got := string(c.Received()); got != want {
			t.Fatalf("after %d pieces: got %s, want %s", i+1, brief(got), brief(want))
		}
	}
	w.ended()
}
