package vip

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// AskNeighbours has the kernel ask at once for every neighbour on an interface that has not answered yet, and returns how
// many those are. It is for an interface whose cable is back: what was asked for while it was out is asked for again only
// after a second (RFC 4861, section 10: RETRANS_TIMER; Linux does the same for ARP), and until then nothing reaches these
// neighbours, which is longer than many a health check waits. Packets that wait for an answer stay in their queues.
func (n *Netlink) AskNeighbours(ifname string) (asked int, err error) {
	asked, err = n.rtnl.askNeighbours(ifname)
	if err != nil {
		err = fmt.Errorf("ask for neighbours on %s: %w", ifname, err)
	}
	return asked, err
}

func (r *rtnl) askNeighbours(ifname string) (asked int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	index, err := r.changes.socket.index(ifname)
	if err != nil {
		return 0, err
	}
	list, err := retried(func() ([]netlink.Neigh, error) { return r.handle.NeighList(index, netlink.FAMILY_ALL) })
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, neighbour := range list {
		if neighbour.State != netlink.NUD_INCOMPLETE || neighbour.Flags&netlink.NTF_PROXY != 0 {
			continue
		}
		if err := r.askAgain(neighbour); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", neighbour.IP, err))
			continue
		}
		asked++
	}
	return asked, errors.Join(errs...)
}

// askAgain takes an entry back to where nobody was asked, with what waits in its queue, and then has it used.
func (r *rtnl) askAgain(n netlink.Neigh) error {
	for _, step := range []netlink.Neigh{{State: netlink.NUD_NONE}, {Flags: netlink.NTF_USE}} {
		step.LinkIndex, step.Family, step.IP, step.Type = n.LinkIndex, n.Family, n.IP, unix.RTN_UNICAST
		if err := r.handle.NeighSet(&step); err != nil {
			return err
		}
	}
	return nil
}
