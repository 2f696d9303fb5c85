package vip

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Remover removes addresses and does nothing else, with its socket open before it is needed: a last will wants no more.
type Remover struct{ rtnl *rtnl }

// OpenRemover opens one in the network namespace of the calling thread.
func OpenRemover() (*Remover, error) {
	r, err := openRTNL()
	if err != nil {
		return nil, err
	}
	return &Remover{r}, nil
}

// Remove removes an address, with its very prefix length and whatever peer it has, from an interface. That either is
// gone is fine.
func (r *Remover) Remove(ifname string, p netip.Prefix) error {
	if err := r.remove(ifname, p); err != nil {
		return fmt.Errorf("remove %s from %s: %w", p, ifname, err)
	}
	return nil
}

func (r *Remover) remove(ifname string, p netip.Prefix) error {
	err := r.rtnl.removeStrictly([]Address{{Prefix: p, Interface: ifname}})[0]
	if !errors.Is(err, unix.EADDRNOTAVAIL) {
		if isGone(err) {
			return nil
		}
		return err
	}
	list, err := r.rtnl.addresses(ifname) // IPv4 tells addresses apart by their peers too
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var peers []Address
	for _, h := range list.of(p.Addr()) {
		if h.Prefix == p && h.Peer.IsValid() {
			peers = append(peers, Address{Prefix: p, Interface: ifname, Peer: h.Peer})
		}
	}
	return errors.Join(r.rtnl.remove(peers)...)
}

// Close closes its socket.
func (r *Remover) Close() error {
	r.rtnl.close()
	return nil
}
