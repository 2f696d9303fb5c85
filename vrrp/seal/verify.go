package seal

import (
	"crypto/subtle"
	"net/netip"
	"slices"
	"time"
)

// Fault is why a seal does not count.
type Fault uint8

// The faults, in the order in which a seal is judged.
const (
	OK         Fault = iota
	Malformed        // another scheme than HMAC-SHA256, or something in the reserved octets
	Stale            // of a time outside of the window
	UnknownKey       // no key of its id
	Forged           // the HMAC is not that of the message
	Replayed         // not later than the last one of the sender
)

// maxSenders bounds the senders that are remembered, each of whom has proved that it has the key: as many as an instance can
// have peers.
const maxSenders = 64

// Policy says which seals count.
type Policy struct {
	Keys   []Key         // by id, each of which counts
	Window time.Duration // by how much a sender's clock may differ, in whole seconds. 0: clocks are not compared
}

// Memory is what a receiver knows about the senders of one virtual router. The zero Memory is ready. Its owner guards it.
type Memory struct {
	senders []sender
	turn    uint64
}

type sender struct {
	addr netip.Addr
	mark uint64 // the latest sequence
	used uint64 // turn of its last advert
}

// Verify judges the seal of a message, whose last Len octets it is, from src; now is the wall clock. skew is by how much the
// sender's clock is behind, in whole seconds; it means something with a Window. What costs next to nothing comes first: an old
// copy and an unknown key id cost no digest.
func (p *Policy) Verify(m *Memory, src netip.Addr, message []byte, now time.Time) (fault Fault, skew time.Duration) {
	if len(message) < minMessage {
		return Malformed, 0
	}
	t, mac := parseTrailer(message)
	skew = behind(t.sequence, now)
	if t.scheme != schemeSHA256 || t.reserved != 0 {
		return Malformed, skew
	}
	if p.Window > 0 && skew.Abs() > p.Window {
		return Stale, skew
	}
	i := slices.IndexFunc(p.Keys, func(k Key) bool { return k.ID == t.id })
	if i < 0 {
		return UnknownKey, skew
	}
	if want := p.Keys[i].mac(src, message); subtle.ConstantTimeCompare(mac, want[:]) != 1 {
		return Forged, skew
	}
	if !m.advance(p, src, t.sequence, now) {
		return Replayed, skew
	}
	return OK, skew
}

// behind is by how many whole seconds a sequence is behind the clock, across the end of 32 bits.
func behind(sequence uint64, now time.Time) time.Duration {
	return time.Duration(int32(uint32(now.Unix())-secondsOf(sequence))) * time.Second
}

// advance moves the mark of a sender on, and reports false where that is not what the sequence does. A mark outside of the
// window orders nothing any more, for the window alone keeps out what is older: without it this node would be deaf to a sender
// whose clock was set back from the future.
func (m *Memory) advance(p *Policy, src netip.Addr, sequence uint64, now time.Time) bool {
	m.turn++
	i := slices.IndexFunc(m.senders, func(s sender) bool { return s.addr == src })
	if i < 0 {
		m.add(sender{addr: src, mark: sequence, used: m.turn})
		return true
	}
	s := &m.senders[i]
	s.used = m.turn
	expired := p.Window > 0 && behind(s.mark, now).Abs() > p.Window
	if !expired && !after(sequence, s.mark) {
		return false
	}
	s.mark = sequence
	return true
}

// add remembers a sender in place of the one that was silent for longest, where there are many.
func (m *Memory) add(s sender) {
	if len(m.senders) < maxSenders {
		m.senders = append(m.senders, s)
		return
	}
	oldest := 0
	for i, other := range m.senders {
		if other.used < m.senders[oldest].used {
			oldest = i
		}
	}
	m.senders[oldest] = s
}
