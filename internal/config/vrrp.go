package config

import (
	"fmt"
	"slices"

	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

// instancePath returns the path of a key of an instance.
func instancePath(i int, key string) string { return item("vrrp.instances", i) + "." + key }

// checkInstances reports what is wrong with the instances on every node alike.
func (b *builder) checkInstances() {
	names, addresses := unique{b: b}, unique{b: b}
	for i, in := range b.raw.VRRP.Instances {
		names.add(in.Name, "name", instancePath(i, "name"))
		for j, a := range in.moving() {
			path := in.movingPath(i, j)
			if p, err := parseVirtualAddress(a.Address); err == nil {
				addresses.add(p.Addr().String(), "virtual address", path)
			}
			b.checkOptions(path, a)
		}
		b.checkFamily(i)
		b.checkProtocol(i)
		b.checkAuthentication(i)
		b.checkUnicast(i)
		if in.PreemptDelay > 0 && !in.Preempt && !b.reported(instancePath(i, "preempt")) {
			b.warnAt(instancePath(i, "preempt_delay"), "does nothing with preempt: false", "one of them")
		}
		b.checkTrack(i)
		if in.Notify != nil {
			b.checkCommand(instancePath(i, "notify.script"), in.Notify.Script)
		}
	}
}

// checkNode reports what is wrong with the instances as one node has them.
func (b *builder) checkNode(n Node) {
	routers := unique{b: b}
	for i, in := range n.Instances {
		if in.VRRP.VRID != 0 && in.VRRP.Interface != "" {
			routers.add(fmt.Sprintf("%d of %v on %s", in.VRRP.VRID, in.VRRP.Family(), in.VRRP.Interface), "virtual router", instancePath(i, "virtual_router_id"))
		}
		for j, a := range in.VIP.Addresses {
			if own := a.Prefix.Addr(); slices.Contains(n.Addresses, own) {
				b.errorAt(b.raw.VRRP.Instances[i].movingPath(i, j), fmt.Sprintf("%s is the own address of %s", own, n.Name), "one that no node has")
			}
		}
	}
}

// instance returns an instance as a node runs it.
func (b *builder) instance(i int, node string) Instance {
	raw := b.raw.VRRP.Instances[i]
	in := Instance{
		VRRP: vrrp.Config{
			Name:                   raw.Name,
			Interface:              raw.Interface.on(node),
			VRID:                   raw.VirtualRouterID,
			Version:                vrrp.Version(raw.Version),
			Priority:               raw.Priority.on(node),
			AdvertInterval:         raw.AdvertInterval,
			MaxLearnedInterval:     maxLearned(raw),
			ChecksumNoPseudoHeader: raw.BareChecksum,
			UnicastPeers:           b.peers(i, node),
			UnicastTTL:             raw.UnicastTTL,
			AnySource:              raw.AnySource,
			NoPreempt:              !raw.Preempt,
			PreemptDelay:           raw.PreemptDelay,
			StartupDelay:           raw.StartupDelay,
			WarmUp:                 raw.WarmUp,
		},
		SyncGroup: raw.SyncGroup,
		VIP:       vip.Config{Instance: raw.Name, GARP: garp(raw)},
		Source:    b.source(i, node),
	}
	if a := raw.Authentication; a != nil && a.Type == "PASS" && a.Password != nil {
		in.VRRP.Auth = vrrp.Auth{Type: vrrp.AuthPass, Password: *a.Password}
	}
	in.VRRP.HMAC = raw.Authentication.hmac(raw.AdvertInterval)
	if f := raw.FlapDamping; f != nil {
		in.VRRP.FlapDamping = vrrp.FlapDamping{Transitions: f.Transitions, Window: f.Window, Hold: f.Hold}
	}
	for j, a := range raw.moving() {
		address, ok := a.address(node, in.VRRP.Interface)
		if !ok {
			continue // reported
		}
		in.VIP.Addresses = append(in.VIP.Addresses, address)
		if j < len(raw.Addresses) {
			in.VRRP.Addresses = append(in.VRRP.Addresses, address.Prefix.Addr())
		}
	}
	if raw.Lease {
		in.VIP.Lease = b.lease(i, node)
	}
	in.Track = append([]tracker.Binding{tracker.OwnInterface(in.VRRP.Interface)}, b.bindings(i, node)...)
	if n := raw.Notify; n != nil {
		in.Notify = &notify.Config{Instance: raw.Name, Script: n.Script, Timeout: n.Timeout, User: n.User}
	}
	return in
}

// garp returns how an instance announces its addresses. What is 0 in the file is negative there: 0 means a default.
func garp(raw rawInstance) vip.GARP {
	g := vip.GARP{Repeat: raw.GARP.Repeat, Delay: raw.GARP.Delay, Refresh: raw.GARP.Refresh, Interval: raw.GARP.Interval}
	if g.Refresh == 0 {
		g.Refresh = -1
	}
	return g
}
