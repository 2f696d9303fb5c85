package daemon

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/vrrp"
)

const (
	willOfWeb = "will [remove 10.0.0.100/24 from eth0 send 40 octets to 224.0.0.18 on eth0]"
	noWill    = "will []"
)

// "advert, then VIP in the kernel, then gate open, then gratuitous ARP, then notify": the advert the machine has sent
// itself by then, and gratuitous ARP goes out once the addresses are in place (RFC 9568 section 8.1.2).
func TestRule82And91_OrderOfATakeover(t *testing.T) {
	w := newWorld()
	p := w.instance(web("VI_1", "10.0.0.100/24"))
	p.router.is(vrrp.Status{Epoch: 2, State: vrrp.Master})
	p.do(vrrp.AcquireAddresses{Epoch: 2})
	p.do(vrrp.Transition{From: vrrp.Backup, To: vrrp.Master, Epoch: 2, Priority: 100, Reason: "no master heard"})
	w.want(t) // the machine never waits
	p.work(t)
	w.want(t,
		willOfWeb,
		"acquire [10.0.0.100/24]",
		"gate 10.0.0.100 open",
		"announce [10.0.0.100/24]",
		"vrrp.AddressesReady{}",
	)
	if last := p.transitions[len(p.transitions)-1]; last.From != "BACKUP" || last.To != "MASTER" || last.Reason != "no master heard" {
		t.Errorf("remembered %+v", last)
	}
}

// "both can hold the VIP: our test should require VIP gone, then prio 0". The machine says priority 0 after
// AddressesReleased.
func TestRule83_OrderOfAResignation(t *testing.T) {
	w := newWorld()
	p := w.instance(web("VI_1", "10.0.0.100/24"))
	w.gates.open("VI_1", p.applied.Addresses)
	w.want(t, "gate 10.0.0.100 open")
	p.do(vrrp.ReleaseAddresses{})
	p.do(vrrp.Transition{From: vrrp.Master, To: vrrp.Fault})
	p.work(t)
	w.want(t,
		"gate 10.0.0.100 closed",
		"release [10.0.0.100/24]",
		"vrrp.AddressesReleased{}",
		"end connections on 10.0.0.100",
		noWill,
	)
}

// The keeper's adverts end before the machine may say priority 0, however slow the keeper is.
func TestReleaseWaitsForTheBeatToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := w.instance(web("VI_1", "10.0.0.100/24"))
		p.beat.work.do(func(context.Context) { time.Sleep(time.Second) })
		p.beat.Stop("VI_1") // the group does so before it asks for the release
		p.do(vrrp.ReleaseAddresses{})
		p.work(t)
		w.want(t, "gate 10.0.0.100 closed", "release [10.0.0.100/24]", "no beat", "vrrp.AddressesReleased{}", "end connections on 10.0.0.100")
	})
}

func TestStaleTakeoverTakesNothing(t *testing.T) {
	for _, now := range []vrrp.Status{
		{Epoch: 3, State: vrrp.Backup},
		{Epoch: 2, State: vrrp.Master, Resigning: true},
	} {
		w := newWorld()
		p := w.instance(web("VI_1", "10.0.0.100/24"))
		p.router.is(now)
		p.do(vrrp.AcquireAddresses{Epoch: 2})
		p.work(t)
		w.want(t)
	}
}

func TestTakeoverThatFailsOpensNoGate(t *testing.T) {
	w := newWorld()
	p := w.instance(web("VI_1", "10.0.0.100/24"))
	p.vips.fail("acquire", errors.New("add 10.0.0.100/24 to eth0: no"))
	p.do(vrrp.AcquireAddresses{})
	p.work(t)
	w.want(t, willOfWeb, "acquire [10.0.0.100/24]", "vrrp.AddressFailed{add 10.0.0.100/24 to eth0: no}")
}

// A keeper that is not there keeps no node from taking over; the lease and the next keeper see to the addresses.
func TestTakeoverWithoutAKeeper(t *testing.T) {
	w := newWorld()
	p := w.instance(web("VI_1", "10.0.0.100/24"))
	w.keeper.set(func(k *fakeKeeper) { k.dead = true })
	p.do(vrrp.AcquireAddresses{})
	p.work(t)
	w.want(t, willOfWeb, "acquire [10.0.0.100/24]", "gate 10.0.0.100 open", "announce [10.0.0.100/24]", "vrrp.AddressesReady{}")
}

// The machine goes on after ReleaseTimeout, and so does the executor: the next takeover must not wait for ever.
func TestReleaseThatFailsIsAnsweredAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := w.instance(web("VI_1", "10.0.0.100/24"))
		p.vips.fail("release", errors.New("no"))
		began := time.Now()
		p.do(vrrp.ReleaseAddresses{})
		p.work(t)
		if took := time.Since(began); took != vrrp.ReleaseTimeout {
			t.Errorf("gave up after %v, want %v", took, vrrp.ReleaseTimeout)
		}
		last := w.lines[len(w.lines)-2:]
		if last[0] != "vrrp.AddressesReleased{}" || last[1] != "end connections on 10.0.0.100" {
			t.Errorf("ended with %q", last)
		}
	})
}

func TestAnnounceAgain(t *testing.T) {
	w := newWorld()
	p := w.instance(web("VI_1", "10.0.0.100/24"))
	p.do(vrrp.Announce{})
	w.want(t, "answer [10.0.0.100/24]")
}

func TestWillWithoutASource(t *testing.T) {
	p := newWorld().instance(web("VI_1", "10.0.0.100/24", "10.0.0.101/24"))
	p.setSource(netip.Addr{})
	if got := len(p.will(p.applied.Addresses)); got != 2 {
		t.Errorf("%d operations, want to remove two addresses and say nothing", got)
	}
}

// Each peer is told: there is no group that would hear it.
func TestWillTellsEachPeer(t *testing.T) {
	w := newWorld()
	cfg := web("VI_1", "10.0.0.100/24")
	cfg.VRRP.UnicastPeers = []vrrp.Peer{{Addr: netip.MustParseAddr("10.0.0.2")}, {Addr: netip.MustParseAddr("10.0.0.3")}}
	p := w.instance(cfg)
	p.vips.hold(true)
	p.renewWill(t.Context())
	w.want(t, "will [remove 10.0.0.100/24 from eth0 send 40 octets to 10.0.0.2 on eth0 send 40 octets to 10.0.0.3 on eth0]")
}

// A will whose farewell has another password than the nodes speak is not heard.
func TestReloadRenewsTheWill(t *testing.T) {
	w := newWorld()
	cfg := web("VI_1", "10.0.0.100/24")
	p := w.instance(cfg)
	p.vips.hold(true)
	before := p.will(p.applied.Addresses)
	cfg.VRRP.Auth = vrrp.Auth{Type: vrrp.AuthPass, Password: "secret"}
	p.reconfigure(cfg)
	p.work(t)
	after := w.keeper.wills["VI_1"]
	if len(after) != 2 || string(packetOf(t, after[1])) == string(packetOf(t, before[1])) {
		t.Errorf("will %v, want a farewell with the new password", after)
	}
}

// run joins all it started, and the last state reaches the script.
func TestInstanceRunsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		cfg := web("VI_1", "10.0.0.100/24")
		cfg.Notify = &notify.Config{Instance: "VI_1", Script: []string{"/n"}, Timeout: time.Second}
		p := w.instance(cfg)
		r := newRunning(p.alone())
		r.start(func(part string, err error) { t.Errorf("%s: %v", part, err) })
		synctest.Wait()
		w.want(t, "vrrp.SourceChanged{10.0.0.1}", "vrrp.SourceChanged{10.0.0.1}")
		p.do(vrrp.Transition{From: vrrp.Backup, To: vrrp.Initialize, Priority: 100})
		stopAll([]*running{r})
		w.want(t, noWill, "notify/VI_1 [INSTANCE VI_1 STOP 100]")
	})
}

// The executor may still release when the state machine has ended, and waits for the beat's worker then.
func TestInstanceEndsWhileItReleases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := w.instance(web("VI_1", "10.0.0.100/24"))
		r := newRunning(p.alone())
		r.start(func(part string, err error) { t.Errorf("%s: %v", part, err) })
		synctest.Wait()
		p.exec.do(func(context.Context) { time.Sleep(time.Second) })
		p.do(vrrp.ReleaseAddresses{})
		began := time.Now()
		stopAll([]*running{r})
		if took := time.Since(began); took != time.Second {
			t.Errorf("ended after %v, want 1s", took)
		}
	})
}

// A kernel that answers nothing must not keep the node from ending: then the keeper and the lease see to the addresses.
func TestInstanceEndsThoughTheKernelHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newWorld().instance(web("VI_1", "10.0.0.100/24"))
		r := newRunning(p.alone())
		r.start(func(part string, err error) { t.Errorf("%s: %v", part, err) })
		synctest.Wait()
		p.exec.do(func(ctx context.Context) { <-ctx.Done() })
		began := time.Now()
		stopAll([]*running{r})
		if took := time.Since(began); took != lastWork {
			t.Errorf("ended after %v, want %v", took, lastWork)
		}
	})
}

// deadRouter is a state machine that cannot run.
type deadRouter struct{ *fakeRouter }

func (deadRouter) Run(context.Context) error { return errors.New("VRID 51 is taken") }

func TestInstanceThatCannotRunEndsTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newWorld().instance(web("VI_1", "10.0.0.100/24"))
		g := p.alone()
		g.setRouter(deadRouter{p.router})
		r := newRunning(g)
		failed := make(chan string, 1)
		r.start(func(part string, err error) { failed <- part + ": " + err.Error() })
		if got, want := <-failed, "instance VI_1: VRID 51 is taken"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		<-r.done
	})
}
