package keeper

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/child"
)

// maxDrain bounds the messages that are read before the adverts have their turn again.
const maxDrain = 64

// loop is the keeper's process: wait, read, decide, act. One goroutine, and not a single other one.
type loop struct {
	core     core
	hands    *hands
	ledger   ledger
	daemon   int  // its process number
	noSwap   bool // asked for
	file     willJournal
	counters Counters

	buf     []byte
	actions []action
	done    bool
	failed  []error // what went wrong outside of requests, to be told when nothing is urgent any more
	log     hclog.Logger
}

func newLoop(effects Effects, book ledger, daemon int) *loop {
	return &loop{hands: newHands(effects), ledger: book, daemon: daemon, buf: make([]byte, maxMessage), log: Words(false)}
}

// run returns when the daemon has ended and its wills are carried out, or when it said stop, and tells what went wrong. It is
// true when nothing did.
func (l *loop) run() bool {
	for !l.done {
		if err := l.wait(); err != nil {
			l.note(err)
			break
		}
		for range maxDrain {
			if l.done || !l.receive() {
				break
			}
		}
		l.note(l.step(bootTime(), event{kind: tick}))
		l.counters.Overslept, l.counters.Starved = l.core.overslept, l.core.starved
	}
	l.hands.close()
	for _, err := range l.failed {
		l.log.Error("last words", "err", err)
	}
	return len(l.failed) == 0
}

// wait waits for a message, for the end of the daemon, or for the time at which something is due.
func (l *loop) wait() error {
	var timeout *unix.Timespec
	if l.core.wake != 0 {
		ts := unix.NsecToTimespec(int64(max(0, l.core.wake-bootTime())))
		timeout = &ts
	}
	polled := []unix.PollFd{{Fd: child.Socket, Events: unix.POLLIN}}
	if _, err := unix.Ppoll(polled, timeout, nil); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for the daemon: %w", err)
	}
	return nil
}

// receive reads one message and does what it asks. It is false when there is none.
func (l *loop) receive() bool {
	n, _, flags, _, err := unix.Recvmsg(child.Socket, l.buf, nil, unix.MSG_DONTWAIT)
	switch {
	case errors.Is(err, unix.EAGAIN):
		return false
	case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNRESET):
		// Reset: the daemon ended without having read a reply. The kernel says it once; messages may still be waiting.
		return true
	case err != nil || n == 0:
		l.note(l.step(bootTime(), event{kind: hangup}))
		return false
	case flags&unix.MSG_TRUNC != 0:
		l.reply(fmt.Errorf("a message of more than %d octets", len(l.buf)))
		return true
	}
	l.take(l.buf[0], l.buf[1:n])
	return true
}

// take acts on one message.
func (l *loop) take(mark byte, body []byte) {
	switch mark {
	case markHeartbeat:
		if ev, err := decodeHeartbeat(body); err == nil { // it has no answer; one that can't be read is none
			l.note(l.step(bootTime(), ev))
		}
	case markRequest:
		r, err := decodeRequest(body)
		if err == nil {
			err = l.request(r)
		}
		l.reply(err)
	default:
		l.reply(fmt.Errorf("a message of unknown kind %d", mark))
	}
}

func (l *loop) request(r request) error {
	now := bootTime()
	switch r.Kind {
	case askHello:
		l.core.silence = r.Hello.Silence
		l.file = willJournal{file: willFileOf(r.Hello.Dir, r.Hello.Name)}
		l.log = Words(r.Hello.LogJSON)
		return l.privilege(r.Hello)
	case askWill:
		l.hands.clocks.adopt(r.Instance, r.Will.signer())
		// The will is held even where its packet can't be sent, or the file not be written: the addresses matter most.
		return errors.Join(l.step(now, event{kind: setWill, instance: r.Instance, will: r.Will}), l.hands.ready(ways(r.Will)...))
	case askBeat:
		if r.Beat != nil {
			l.hands.clocks.adopt(r.Instance, r.Beat.Signer)
			if err := l.hands.ready(r.Beat.way()); err != nil {
				return err
			}
		}
		return l.step(now, event{
			kind: setBeat, instance: r.Instance, beat: r.Beat, slot: r.Slot, resumed: r.Resumed, spoke: l.ledger.spoke(r.Slot),
		})
	case askStop:
		return l.step(now, event{kind: stop})
	case askPing:
		return l.lock()
	}
	return nil
}

// ways are those by which the packets of a will leave.
func ways(w will) []Way {
	var all []Way
	for _, op := range w {
		if way, ok := op.way(); ok {
			all = append(all, way)
		}
	}
	return all
}

// privilege takes what was asked for to be on time.
func (l *loop) privilege(h *hello) error {
	l.noSwap = h.NoSwap
	failed := l.lock()
	if h.RTPriority > 0 {
		if err := goRealTime(h.RTPriority); err != nil {
			return errors.Join(failed, err)
		}
		l.counters.RTPriority = h.RTPriority
	}
	return failed
}

// lock keeps the memory that the keeper has by now, where that was asked for: it grows with its wills.
func (l *loop) lock() (err error) {
	if l.noSwap {
		l.counters.Locked, err = lockMemory()
	}
	return err
}

// step lets the core decide and carries out what it decides, in order.
func (l *loop) step(now time.Duration, ev event) error {
	l.actions = l.core.step(now, ev, l.actions[:0])
	var failed []error
	for _, a := range l.actions {
		if err := l.act(a); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func (l *loop) act(a action) error {
	switch a.kind {
	case sendAdvert:
		l.advert(a)
	case saveWills:
		return l.file.note(a.instance, l.core.wills())
	case killDaemon:
		return errors.Join(fmt.Errorf("the daemon was silent for %v: killed it", l.core.silence), killParent())
	case carryOut:
		if err := l.hands.carryOut(a.instance, a.will); err != nil {
			return fmt.Errorf("will of %s: %w", a.instance, err)
		}
	case lookAtDaemon:
		l.core.step(bootTime(), event{kind: sawDaemon, threads: threadsOf(l.daemon)}, nil) // it leads to no action
	case exit:
		l.done = true
	}
	return nil
}

func (l *loop) advert(a action) {
	l.counters.Latest = max(l.counters.Latest, a.late)
	packets := a.beat.packets()
	if err := l.hands.clocks.seal(a.instance, packets...); err != nil {
		l.advertFailed(err)
		packets = nil // a packet without its seal would only be dropped
	}
	for _, p := range packets {
		if err := l.hands.send(p); err != nil {
			l.advertFailed(err)
			continue
		}
		l.counters.Adverts++
	}
	l.ledger.note(a.slot, bootTime()) // with an error too: a broken network is not this machine's stall
}

func (l *loop) advertFailed(err error) {
	l.counters.AdvertErrors++
	l.counters.AdvertError = err.Error()
}

// reply answers a request. It never waits: the daemon asks for one at a time, so there is room, or it has ended.
func (l *loop) reply(err error) {
	r := reply{Counters: l.counters}
	if err != nil {
		r.Err = err.Error()
	}
	text, err := json.Marshal(r)
	if err == nil {
		err = unix.Sendto(child.Socket, text, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
	}
	if err != nil && !errors.Is(err, unix.EPIPE) {
		l.log.Error("the daemon gets no answer", "err", err)
	}
}

// note keeps what went wrong outside of a request. There are few such errors in the life of a keeper: one a will.
func (l *loop) note(err error) {
	if err != nil {
		l.failed = append(l.failed, err)
	}
}
