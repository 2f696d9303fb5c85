package keeper

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

// Effects is what the keeper does to the world. It is used by one goroutine. The sockets that its methods need should
// be open when it is made: descriptors may be scarce by the time a will is carried out.
type Effects interface {
	// RemoveAddress takes an address off an interface. It is no error when either is gone.
	RemoveAddress(ifname string, prefix netip.Prefix) error
	// OpenSender opens a socket to send with.
	OpenSender(w Way) (Sender, error)
}

// Sender sends by one way, without waiting.
type Sender interface {
	// Send sends a whole IP packet, header included, to the destination that stands in it.
	Send(dst netip.Addr, packet []byte) error
	Close() error
}

// hands are Effects with the senders that were opened, one a way.
type hands struct {
	effects Effects
	senders map[Way]Sender
	clocks  clocks
}

func newHands(e Effects) *hands {
	return &hands{effects: e, senders: map[Way]Sender{}, clocks: clocks{now: bothClocks, each: map[string]*seal.Clock{}}}
}

// ready opens the senders that a will or a beat needs, before it needs them.
func (h *hands) ready(ways ...Way) error {
	var failed []error
	for _, w := range ways {
		if h.senders[w] != nil {
			continue
		}
		s, err := h.effects.OpenSender(w)
		if err != nil {
			failed = append(failed, fmt.Errorf("open a sender on %s: %w", w, err))
			continue
		}
		h.senders[w] = s
	}
	return errors.Join(failed...)
}

// send sends a packet. A sender that fails is opened anew once: its interface may have been made anew, and a socket
// that is bound to the former one never works again.
func (h *hands) send(p Packet) error {
	w := p.way()
	if err := h.ready(w); err != nil {
		return err
	}
	first := h.senders[w].Send(p.Dst, p.Data)
	if first == nil {
		return nil
	}
	h.drop(w)
	if err := h.ready(w); err != nil {
		return errors.Join(first, err)
	}
	return h.senders[w].Send(p.Dst, p.Data)
}

func (h *hands) drop(w Way) {
	_ = h.senders[w].Close() // it failed already, and nothing was buffered
	delete(h.senders, w)
}

// carryOut carries out the will of an instance to its end, whatever fails on the way.
func (h *hands) carryOut(instance string, w will) error {
	var failed []error
	for _, op := range w {
		if err := op.carryOut(h, instance); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", op, err))
		}
	}
	return errors.Join(failed...)
}

func (h *hands) close() {
	for w := range h.senders {
		h.drop(w)
	}
}
