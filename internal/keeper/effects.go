package keeper

import (
	"errors"
	"fmt"
	"net/netip"
)

// Effects is what the keeper does to the world. It is used by one goroutine. The sockets that its methods need should
// be open when it is made: descriptors may be scarce by the time a will is carried out.
type Effects interface {
	// RemoveAddress takes an address off an interface. It is no error when either is gone.
	RemoveAddress(ifname string, prefix netip.Prefix) error
	// OpenSender opens a socket to send on the interface.
	OpenSender(ifname string) (Sender, error)
}

// Sender sends on one interface, without waiting.
type Sender interface {
	// Send sends a whole IP packet, header included, to the destination that stands in it.
	Send(dst netip.Addr, packet []byte) error
	Close() error
}

// hands are Effects with the senders that were opened, one an interface.
type hands struct {
	effects Effects
	senders map[string]Sender
}

func newHands(e Effects) *hands { return &hands{effects: e, senders: map[string]Sender{}} }

// ready opens the senders that a will or a beat needs, before it needs them.
func (h *hands) ready(ifnames ...string) error {
	var failed []error
	for _, name := range ifnames {
		if name == "" || h.senders[name] != nil {
			continue
		}
		s, err := h.effects.OpenSender(name)
		if err != nil {
			failed = append(failed, fmt.Errorf("open a sender on %s: %w", name, err))
			continue
		}
		h.senders[name] = s
	}
	return errors.Join(failed...)
}

// send sends a packet. A sender that fails is opened anew once: its interface may have been made anew, and a socket
// that is bound to the former one never works again.
func (h *hands) send(p Packet) error {
	if err := h.ready(p.Interface); err != nil {
		return err
	}
	first := h.senders[p.Interface].Send(p.Dst, p.Data)
	if first == nil {
		return nil
	}
	h.drop(p.Interface)
	if err := h.ready(p.Interface); err != nil {
		return errors.Join(first, err)
	}
	return h.senders[p.Interface].Send(p.Dst, p.Data)
}

func (h *hands) drop(ifname string) {
	_ = h.senders[ifname].Close() // it failed already, and nothing was buffered
	delete(h.senders, ifname)
}

// carryOut carries out a will to its end, whatever fails on the way.
func (h *hands) carryOut(w will) error {
	var failed []error
	for _, op := range w {
		if err := op.carryOut(h); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", op, err))
		}
	}
	return errors.Join(failed...)
}

func (h *hands) close() {
	for name := range h.senders {
		h.drop(name)
	}
}
