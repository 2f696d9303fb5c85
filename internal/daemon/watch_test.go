package daemon

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

var uplink = tracker.ID{Kind: tracker.KindInterface, Name: "eth0"}

func tracking(s hysteresis.Status) inputs {
	return inputs{tracked: []tracker.Input{{Binding: tracker.Binding{ID: uplink}, State: tracker.State{ID: uplink, Status: s}}}}
}

// A node whose interface answers in time begins as BACKUP, without a FAULT before it.
func TestPrepareWaitsForFirstResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := w.instance(web("VI_1"))
		w.inputs.set(tracking(hysteresis.Unknown))
		go func() {
			time.Sleep(10 * time.Millisecond)
			w.inputs.set(tracking(hysteresis.Up))
			p.rejudge()
		}()
		began := time.Now()
		p.prepare(t.Context())
		if took := time.Since(began); took != 10*time.Millisecond {
			t.Errorf("took %v, want as long as the interface needs", took)
		}
		w.want(t,
			"vrrp.SourceChanged{10.0.0.1}",
			"vrrp.FaultChanged{[interface eth0: waiting for its first result]}",
			"vrrp.FaultChanged{[]}",
		)
	})
}

func TestPrepareDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := w.instance(web("VI_1"))
		w.inputs.set(tracking(hysteresis.Unknown))
		began := time.Now()
		p.prepare(t.Context())
		if took := time.Since(began); took != firstResults {
			t.Errorf("took %v, want %v", took, firstResults)
		}
	})
}

func TestWatchInputsTellsWhatChangedAndWhatTimeChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := w.instance(web("VI_1"))
		now := time.Now().UTC() // reasons tell the time of day
		w.inputs.set(inputs{started: now, recoveryUntil: now.Add(30 * time.Second)})
		ctx, cancel := context.WithCancel(t.Context())
		var loop sync.WaitGroup
		loop.Go(func() { p.watchInputs(ctx) })
		synctest.Wait()
		w.want(t, "vrrp.HoldPreempt{[the last run ended uncleanly: no preemption until 00:00:30]}")

		p.rejudge()
		synctest.Wait()
		w.want(t) // nothing changed

		time.Sleep(30 * time.Second)
		synctest.Wait()
		w.want(t, "vrrp.HoldPreempt{[]}") // nobody had to say so

		w.inputs.set(tracking(hysteresis.Down))
		p.rejudge()
		synctest.Wait()
		w.want(t, "vrrp.FaultChanged{[interface eth0: down]}")
		cancel()
		loop.Wait()
	})
}

func TestBroadcastWakesAllWhoWait(t *testing.T) {
	b := newBroadcast()
	first, second := b.next(), b.next()
	b.raise()
	<-first
	<-second
	select {
	case <-b.next():
		t.Error("what was told already is told again")
	default:
	}
}

// A reload that changes the virtual addresses starts the watch of each instance's source anew.
func TestASourceIsToldWhenItIsNew(t *testing.T) {
	var got []netip.Addr
	tell := whenNew(func(a netip.Addr) { got = append(got, a) })
	one := netip.MustParseAddr("10.77.0.1")
	for _, a := range []netip.Addr{{}, {}, one, one, {}, one} {
		tell(a)
	}
	if want := []netip.Addr{{}, one, {}, one}; !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// An instance that a reload gives unicast peers sends from another kind of address.
func TestWatchSourceFollowsAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		cfg := web("VI_1", "fd00::100/64")
		cfg.VRRP.Version = vrrp.V3
		cfg.Source.Kind = vip.SourceLinkLocal
		p := w.instance(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		var loop sync.WaitGroup
		loop.Go(func() { p.watchSource(ctx) })
		synctest.Wait()
		w.want(t, "vrrp.SourceChanged{fe80::1}")

		p.reconfigure(cfg)
		synctest.Wait()
		w.want(t) // nothing changed

		cfg.VRRP.UnicastPeers = []vrrp.Peer{{Addr: netip.MustParseAddr("fd00::2")}}
		cfg.Source.Kind = vip.SourceGlobalIPv6
		p.reconfigure(cfg)
		synctest.Wait()
		if got := w.lines[len(w.lines)-1]; len(w.lines) != 2 || got != "vrrp.SourceChanged{fd00::1}" {
			t.Errorf("got %q, want the configuration and then the other address", w.lines)
		}
		cancel()
		loop.Wait()
	})
}
