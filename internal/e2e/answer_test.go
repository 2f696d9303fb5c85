package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
)

// "While in this state, a VRRP router MUST ... NOT respond to ARP requests for the IP address(s) associated with the
// virtual router [and] NOT accept packets addressed to" them (RFC 3768 section 6.4.2). The master does both.
func TestIntegrationRule87_93_OnlyTheMasterAnswers(t *testing.T) {
	p := newPair(t, config3(t))
	check(t, p.Start(t.Context()))
	ready(t, p, "lb1")
	client := p.Node("client").Netlink()
	link, err := client.LinkByName("eth0")
	check(t, err)

	t.Run("rule 87 to ARP", func(t *testing.T) {
		mark := p.Lab.Mark()
		check(t, client.NeighDel(neighbour(t, p)))
		answers := func(node string) func(netlab.Event) bool {
			return func(e netlab.Event) bool {
				return e.Kind == netlab.ARPSeen && e.Node == node && e.ARP.SenderIP == drill.VIP && !e.ARP.Gratuitous()
			}
		}
		await(t, p, mark, "lb1 answers", answers("lb1"))
		pause(t, afterglow)
		events, err := p.Lab.Since(mark)
		check(t, err)
		if got := filter(events, answers("lb2")); len(got) > 0 {
			t.Errorf("the backup said: %v", got)
		}
	})
	t.Run("rules 87 and 93 to packets", func(t *testing.T) {
		check(t, p.AwaitService(t.Context(), time.Now())) // of the master: rule 93
		check(t, client.NeighSet(&netlink.Neigh{
			LinkIndex: link.Attrs().Index, IP: drill.VIP.AsSlice(), HardwareAddr: p.Cable("lb2").MAC, State: netlink.NUD_PERMANENT,
		}))
		ctx, cancel := context.WithTimeout(t.Context(), afterglow)
		defer cancel()
		if conn, err := p.Node("client").Dial(ctx, "tcp", drill.VIP.String()+":80"); err == nil || !late(err) {
			t.Errorf("the backup answered a connection: %v, %v", conn, err)
		}
	})
}
