package daemon

import (
	"cmp"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/resolve"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

// Snapshot is the node at this moment. It waits for no state machine: each part keeps a copy of itself.
func (d *Daemon) Snapshot() status.Snapshot {
	d.mu.Lock()
	loaded, cfg, node, groups := d.loaded, d.cfg, d.node, d.groups
	d.mu.Unlock()
	s := status.Snapshot{
		Time: time.Now(), Node: node.Name, Version: d.opt.Version, PID: os.Getpid(), StartedAt: d.started, Goroutines: runtime.NumGoroutine(), Config: loaded,
		Instances: []status.Instance{}, Interfaces: []status.Interface{}, Trackers: []status.Tracker{}, Notify: []status.Notify{},
	}
	for _, r := range groups {
		for _, i := range r.instances {
			one := i.snapshot(s.Time)
			handedOver(&one, d.host.handovers.of(i.name), s.Time)
			if one.Peer != nil {
				one.Peer.Node = cfg.NodeAt(one.Peer.Address)
			}
			s.Instances = append(s.Instances, one)
			if i.config().Notify != nil {
				s.Notify = append(s.Notify, notifyStatus(i.notify.Status()))
			}
		}
	}
	if d.host != nil {
		d.host.snapshot(&s)
	}
	if d.runner != nil {
		r := d.runner.Status()
		s.Runner = status.Process{PID: r.PID, Alive: r.Alive, Restarts: r.Restarts}
	}
	balancer(&s, d.proxy.Snapshot(), node.Proxy)
	return s
}

func notifyStatus(n notify.Status) status.Notify {
	return status.Notify{
		Instance: n.Instance, Running: n.Running, Runs: n.Runs, Failures: n.Failures, Coalesced: n.Coalesced,
		State: n.Last.State, Epoch: n.Last.Epoch, LastRun: n.LastRun, Seconds: n.Duration.Seconds(), ExitCode: n.ExitCode,
		Failure: n.Failure, Output: n.Output,
	}
}

// snapshot fills in what the instances share.
func (h *host) snapshot(s *status.Snapshot) {
	k := h.keeper.Status()
	s.Keeper = status.Keeper{
		Process: status.Process{PID: k.PID, Alive: k.Alive, Restarts: k.Restarts}, WillSet: k.Wills > 0,
		Adverts: k.Adverts, AdvertErrors: k.AdvertErrors, Latest: k.Latest.Seconds(),
		Overslept: k.Overslept, DaemonStarved: k.Starved, RTPriority: k.RTPriority, Locked: k.Locked,
	}
	h.mu.Lock()
	for key, l := range h.adverts {
		s.Interfaces = append(s.Interfaces, status.Interface{Name: key.iface, Family: key.family.String(), Dropped: drops(l.link.Drops())})
	}
	h.mu.Unlock()
	slices.SortFunc(s.Interfaces, func(a, b status.Interface) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Family, b.Family))
	})
	for _, t := range h.trackers.Snapshot() {
		s.Trackers = append(s.Trackers, trackerStatus(t))
	}
}

func trackerStatus(t tracker.State) status.Tracker {
	return status.Tracker{
		Name: t.ID.String(), Status: t.Status.String(), Text: t.Text, Since: t.Since, LastCheck: t.LastCheck,
		Seconds: t.Duration.Seconds(), Run: t.Run, Limit: t.Limit, Runs: t.Runs, Failures: t.Failures, Skipped: t.Skipped,
	}
}

// handedOver fills in what is remembered of handovers.
func handedOver(s *status.Instance, h handover, now time.Time) {
	s.Counters.Handovers = h.count
	if now.Before(h.until) {
		s.HandoverUntil = h.until
	}
}

// snapshot is one instance at a time: what the machine, the addresses and the trackers say of it.
func (i *instance) snapshot(now time.Time) status.Instance {
	m, v := i.router.StatusOf(i.name), i.vips.Status()
	i.mu.Lock()
	outcome, transitions, syncGroup := i.verdict.outcome, i.transitions, i.cfg.SyncGroup
	i.mu.Unlock()
	s := status.Instance{
		Name: m.Name, Interface: m.Interface, VRID: m.VRID, Version: uint8(m.Version),
		State: m.State.String(), Since: m.Since, Epoch: m.Epoch,
		Priority: status.Priority{Configured: m.ConfiguredPriority, Effective: m.Priority},
		Preempt:  !m.NoPreempt,
		Interval: m.AdvertInterval.Seconds(), DownAfter: m.MasterDownInterval.Seconds(),
		SyncGroup: syncGroup, WantsMaster: m.WantsMaster,
		Faults: m.Faults, Holds: holds(m, now),
		Addresses: []status.Address{}, Terms: []status.Term{},
		Counters: counters(m.Counters, v.Counters), Transitions: transitions,
	}
	if m.Master.Address.IsValid() {
		s.Peer = &status.Router{Address: m.Master.Address, Priority: m.Master.Priority, Since: m.Master.Since, Heard: m.Master.Heard}
	}
	s.HMAC = hmacStatus(m.HMAC)
	for _, a := range v.Addresses {
		s.Addresses = append(s.Addresses, addressStatus(a, v.Lease))
	}
	for _, t := range outcome.Terms {
		s.Terms = append(s.Terms, status.Term{
			Tracker: t.ID.String(), Weight: t.Weight, Status: t.Status.String(), Delta: t.Delta, Fault: t.Fault,
			Number: t.ID.Kind == tracker.KindFile, Text: t.Text,
		})
	}
	return s
}

func hmacStatus(h vrrp.HMACStatus) *status.HMAC {
	if h.Mode == "" {
		return nil
	}
	s := &status.HMAC{Mode: h.Mode, Active: int(h.Active), Window: h.Window.Seconds()}
	for _, id := range h.Keys {
		s.Keys = append(s.Keys, int(id))
	}
	return s
}

// holds is what keeps an instance from taking over, which a MASTER has done. Delays keep it from replacing a silent master
// too.
func holds(m vrrp.Status, now time.Time) []string {
	if m.State == vrrp.Master {
		return nil
	}
	all := slices.Clone(m.Holds)
	if m.DampedUntil.After(now) {
		all = append(all, "flap_damping: it ceased to be MASTER too often, and leaves a live master alone until "+m.DampedUntil.Format(time.TimeOnly))
	}
	if m.State == vrrp.Backup && m.NotBefore.After(now) {
		all = append(all, "startup_delay or warm_up: it only listens until "+m.NotBefore.Format(time.TimeOnly))
	}
	return all
}

func addressStatus(a vip.AddressStatus, lease time.Duration) status.Address {
	s := status.Address{
		Prefix: a.Prefix, Interface: a.Interface, Held: a.Present, Lease: lease.Seconds(), RenewedAt: a.LeasedAt,
	}
	if a.Foreign.Claims > 0 {
		s.ClaimedBy, s.ClaimedAt = a.Foreign.MAC.String(), a.Foreign.At
	}
	switch {
	case a.Err != nil:
		s.Error = a.Err.Error()
	case a.NoInterface:
		s.Error = vip.ErrNoInterface.Error()
	}
	return s
}

func counters(m vrrp.Counters, v vip.Counters) status.Counters {
	c := status.Counters{
		AdvertsSent: m.Sent, AdvertsReceived: m.Received, Unsigned: m.Unsigned, Transitions: m.Transitions, Dropped: drops(m.Dropped),
		GARPSent: v.Announcements, GARPErrors: v.AnnounceErrors, ForeignDeletions: v.ForeignDeletions, Readded: v.ReAdds, DADFailures: v.DADFailures,
		LeaseExpiries: v.Expiries, LeaseRenewals: v.Renewals, KernelErrors: v.KernelErrors, ForeignClaims: v.ForeignClaims,
	}
	return c
}

// drops names the reasons for which packets were dropped.
func drops(d vrrp.Drops) map[string]uint64 {
	byLabel := map[string]uint64{}
	for _, r := range vrrp.DropReasons() {
		if n := d.Of(r); n > 0 {
			byLabel[r.Label()] = n
		}
	}
	return byLabel
}

// balancer fills in frontends and backends.
func balancer(s *status.Snapshot, p proxy.Snapshot, cfg proxy.Config) {
	s.Frontends, s.Backends = []status.Frontend{}, []status.Backend{}
	for _, f := range p.Frontends {
		frontend := status.Frontend{
			Name: f.Name, Binds: []status.Bind{}, Connections: f.Connections, Accepted: f.Accepted, Requests: f.Requests,
			LimitedRequests: f.Limited, LimitedConnections: f.TurnedAway, ForgottenClients: f.Forgotten,
		}
		for _, b := range f.Binds {
			frontend.Binds = append(frontend.Binds, status.Bind{Address: b.Address, Path: b.Path, TLS: b.TLS, VIP: b.VIP, Gate: b.Gate.String()})
		}
		s.Frontends = append(s.Frontends, frontend)
	}
	s.TLS = tlsStatus(p.TLS)
	s.AccessLogs = accessLogs(p.Logs)
	s.Buffered = p.Held
	s.Lookups = lookups(p)
	algorithms := map[string]string{}
	for _, b := range cfg.Backends {
		algorithms[b.Name] = b.Balance.Algorithm
	}
	for _, b := range p.Backends {
		backend := status.Backend{Name: b.Name, Algorithm: algorithms[b.Name], Healthy: b.Healthy, Known: b.Known, Waiting: b.Waiting, Servers: []status.Server{}}
		if t := b.Table; t != nil {
			backend.Table = &status.Table{Size: t.Size, Clients: t.Clients, Evicted: t.Evicted}
		}
		for _, m := range b.Servers {
			backend.Servers = append(backend.Servers, status.Server{
				Name: m.Name, Address: m.Address, Path: m.Path, Lookup: m.Lookup, Weight: m.Weight, Backup: m.Backup, Throttle: m.Throttle(s.Time), Status: m.Status.String(),
				Check: m.Text, CheckCode: m.Code, CheckSeconds: m.Took.Seconds(), CheckedAt: m.At, Since: m.Since,
				Held: held(m), EjectedUntil: m.Until, Ejections: m.Count,
				InFlight: m.InFlight, Requests: m.Requests, ConnectFailures: m.ConnectFailures, ResponseFailures: m.ResponseFailures,
				HandshakeFailures: m.HandshakeFailures,
			})
		}
		s.Backends = append(s.Backends, backend)
	}
}

func lookups(p proxy.Snapshot) status.Lookups {
	l := p.Lookups
	s := status.Lookups{
		Names: []status.Name{}, Questions: l.Questions, Timeouts: l.Timeouts, Truncated: l.Truncated, BadPackets: l.BadPackets, Failures: l.Failures,
	}
	for _, n := range p.Names {
		one := status.Name{
			Name: n.Name, Family: resolve.Families[n.Family], Addresses: []netip.AddrPort{}, Asked: n.Asked, Answered: n.Good, Next: n.Next, Failures: n.Failures,
		}
		for _, e := range n.Endpoints {
			one.Addresses = append(one.Addresses, e.Address)
		}
		if n.Err != nil {
			one.Error = n.Err.Error()
		}
		s.Names = append(s.Names, one)
	}
	return s
}

func accessLogs(all []accesslog.Status) []status.AccessLog {
	logs := []status.AccessLog{}
	for _, l := range all {
		one := status.AccessLog{Output: l.Output.String(), Lines: l.Lines, Lost: l.Lost}
		if l.Err != nil {
			one.Error = l.Err.Error()
		}
		logs = append(logs, one)
	}
	return logs
}

// held is the word for why a server gets nothing, or not much, though its checks have nothing against it.
func held(m proxy.ServerStatus) string {
	switch {
	case m.Doubted:
		return "doubted"
	case m.Ejected:
		return "ejected"
	case m.HalfOpen:
		return "half-open"
	}
	return ""
}

func tlsStatus(t certs.Status) status.TLS {
	s := status.TLS{Certificates: []status.Certificate{}, Alarms: []status.CertificateAlarm{}, Renewals: t.Renewals, Failures: t.Failures}
	for _, c := range t.Certificates {
		s.Certificates = append(s.Certificates, status.Certificate{
			File: c.File, Names: append([]string{}, c.Names...), Key: c.Key, NotBefore: c.NotBefore, NotAfter: c.NotAfter, StapledUntil: c.Stapled,
		})
	}
	for _, a := range t.Alarms {
		s.Alarms = append(s.Alarms, status.CertificateAlarm{File: a.File, Text: a.Text, Since: a.Since})
	}
	return s
}
