package daemon

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vrrp"
)

func names(all []*running) []string {
	var names []string
	for _, r := range all {
		names = append(names, r.name)
	}
	return names
}

func TestPlanInstances(t *testing.T) {
	w := newWorld()
	var present []*running
	for _, name := range []string{"VI_1", "VI_2", "VI_3"} {
		present = append(present, newRunning(w.instance(web(name, "10.0.0.100/24")).instance))
	}
	create := func(cfg config.Instance) (*instance, error) { return w.instance(cfg).instance, nil }
	louder := web("VI_2", "10.0.0.100/24")
	louder.VRRP.Priority = 200
	moved := web("VI_3", "10.0.0.100/24")
	moved.VRRP.Interface = "eth1"

	c, err := planInstances(present, []config.Instance{web("VI_4"), moved, louder}, create)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what string
		got  []string
		want string
	}{
		{"next", names(c.next), "[VI_4 VI_3 VI_2]"},
		{"created", names(c.created), "[VI_4 VI_3]"},
		{"ended", names(c.ended), "[VI_1 VI_3]"},
	} {
		if got := sprint(tt.got); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.what, got, tt.want)
		}
	}
	if len(c.kept) != 1 || c.kept[0].running != present[1] || c.kept[0].cfg.VRRP.Priority != 200 {
		t.Errorf("kept %+v, want VI_2 with its next configuration", c.kept)
	}

	bad := errors.New("open a socket on eth9: no")
	_, err = planInstances(present, []config.Instance{web("VI_9")}, func(config.Instance) (*instance, error) { return nil, bad })
	if !errors.Is(err, bad) {
		t.Errorf("got %v, want %v", err, bad)
	}
}

// serve runs a part's executor until the test ends.
func serve(t *testing.T, p *part) *running {
	t.Helper()
	r := newRunning(p.instance)
	end := make(chan struct{})
	go func() {
		defer close(r.done)
		p.exec.run(t.Context(), end)
	}()
	t.Cleanup(func() {
		close(end)
		<-r.done
	})
	return r
}

func TestMoveAddressesOfAHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := w.instance(web("VI_1", "10.0.0.100/24", "10.0.0.101/24"))
		r := serve(t, p)
		p.vips.hold(true)
		w.gates.open("VI_1", p.applied.Addresses)
		w.want(t, "gate 10.0.0.100 open", "gate 10.0.0.101 open")
		if err := r.reconfigureAddresses(t.Context(), web("VI_1", "10.0.0.101/24", "10.0.0.102/24").VIP); err != nil {
			t.Fatal(err)
		}
		const farewell = "send 44 octets to 224.0.0.18 on eth0"
		w.want(t,
			"will [remove 10.0.0.100/24 from eth0 remove 10.0.0.101/24 from eth0 remove 10.0.0.101/24 from eth0 remove 10.0.0.102/24 from eth0 "+farewell+"]",
			"gate 10.0.0.100 closed",
			"replace [10.0.0.100/24 10.0.0.101/24]",
			"gate 10.0.0.101 open", "gate 10.0.0.102 open",
			"end connections on 10.0.0.100",
			"will [remove 10.0.0.101/24 from eth0 remove 10.0.0.102/24 from eth0 "+farewell+"]",
		)
	})
}

func TestMoveAddressesOfABackup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := w.instance(web("VI_1", "10.0.0.100/24"))
		r := serve(t, p)
		if err := r.reconfigureAddresses(t.Context(), web("VI_1", "10.0.0.101/24").VIP); err != nil {
			t.Fatal(err)
		}
		w.want(t, "replace [10.0.0.100/24]")
		if err := r.reconfigureAddresses(t.Context(), web("VI_1", "10.0.0.101/24").VIP); err != nil {
			t.Fatal(err)
		}
		w.want(t) // a change that changes nothing
	})
}

// When the kernel refuses for one instance, every other one has its addresses, gates and will back.
func TestMoveAddressesAllOrNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		one, two := w.instance(web("VI_1", "10.0.0.100/24")), w.instance(web("VI_2", "10.0.0.200/24"))
		c := &instanceChange{kept: []kept{
			{serve(t, one), web("VI_1", "10.0.0.101/24")},
			{serve(t, two), web("VI_2", "10.0.0.201/24")},
		}}
		for _, p := range []*part{one, two} {
			p.vips.hold(true)
			w.gates.open(p.name, p.applied.Addresses)
		}
		two.vips.fail("replace", errors.New("no buffer space"))
		err := c.moveAddresses(t.Context())
		if want := "instance VI_2: no buffer space"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
		for _, p := range []*part{one, two} {
			before := p.config().VIP.Addresses
			if got := prefixes(p.applied.Addresses); got[0] != prefixes(before)[0] {
				t.Errorf("%s has %v", p.name, got)
			}
			if holders := w.gates.holders; !holders[before[0].Prefix.Addr()][p.name] || len(holders) != 2 {
				t.Errorf("gates of %v", holders)
			}
			if got, want := sprint(w.keeper.wills[p.name][0]), sprint(p.will(before)[0]); got != want {
				t.Errorf("%s: will begins with %q, want %q", p.name, got, want)
			}
		}
	})
}

// A reload that is given up while the kernel works leaves nothing of itself behind.
func TestMoveAddressesGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := w.instance(web("VI_1", "10.0.0.100/24"))
		r := serve(t, p)
		p.exec.do(func(context.Context) { time.Sleep(time.Minute) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c := &instanceChange{kept: []kept{{r, web("VI_1", "10.0.0.101/24")}}}
		began := time.Now()
		err := c.moveAddresses(ctx)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("returned after %v, want to know that all is as it was", took)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if got := prefixes(p.applied.Addresses); got[0] != "10.0.0.100/24" {
			t.Errorf("left with %v", got)
		}
	})
}

func TestMoveAddressesOfAnInstanceThatHasEnded(t *testing.T) {
	r := newRunning(newWorld().instance(web("VI_1", "10.0.0.100/24")).instance)
	close(r.done)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := r.reconfigureAddresses(ctx, web("VI_1", "10.0.0.101/24").VIP)
	if want := "change addresses: the instance has ended"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

// Merging two instances: the one that stays serves what the one that goes gives up.
func TestAddressThatMovesToAnotherInstanceStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		stays, goes := w.instance(web("VI_1", "10.0.0.100/24")), w.instance(web("VI_2", "10.0.0.200/24"))
		for _, p := range []*part{stays, goes} {
			p.vips.hold(true)
			w.gates.open(p.name, p.applied.Addresses)
		}
		c := &instanceChange{kept: []kept{{serve(t, stays), web("VI_1", "10.0.0.100/24", "10.0.0.200/24")}}}
		if err := c.moveAddresses(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.lines = nil
		goes.do("VI_2", vrrp.ReleaseAddresses{})
		goes.work(t)
		w.want(t, "release [10.0.0.200/24]", "vrrp.AddressesReleased{}")
	})
}

// The machine hears of a new configuration and of what the trackers make of it in this order, or the difference of the
// priorities would count twice.
func TestReconfigureAndJudgeKeepTheirOrder(t *testing.T) {
	w := newWorld()
	cfg := web("VI_1")
	p := w.instance(cfg)
	p.judge(time.Now())
	w.want(t)
	cfg.VRRP.Priority = 150
	p.reconfigure(cfg)
	p.judge(time.Now())
	if got := w.lines; len(got) != 2 || got[1] != "vrrp.PriorityChanged{150}" {
		t.Errorf("got %q, want the configuration first", got)
	}
	w.lines = nil
	p.reconfigure(cfg)
	p.judge(time.Now())
	w.want(t) // a reload that changes nothing says nothing
}

func TestReconfigureTakesOverTheScript(t *testing.T) {
	w := newWorld()
	cfg := web("VI_1")
	p := w.instance(cfg)
	p.transition(time.Now(), vrrp.Transition{To: vrrp.Backup})
	cfg.Notify = &notify.Config{Instance: "VI_1", Script: []string{"/n"}, Timeout: time.Second}
	p.reconfigure(cfg)
	p.transition(time.Now(), vrrp.Transition{From: vrrp.Backup, To: vrrp.Master, Priority: 7})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.notify.Run(ctx); err != nil {
		t.Fatal(err)
	}
	w.want(t, noWill, "notify/VI_1 [INSTANCE VI_1 MASTER 7]")
}

func TestChangeWaitsForNewTrackersOfWeightZero(t *testing.T) {
	w := newWorld()
	id := tracker.ID{Kind: tracker.KindScript, Name: "check"}
	state := func(s hysteresis.Status, weight int) inputs {
		return inputs{tracked: []tracker.Input{{Binding: tracker.Binding{ID: id, Weight: weight}, State: tracker.State{ID: id, Status: s}}}}
	}
	c := &instanceChange{kept: []kept{{newRunning(w.instance(web("VI_1")).instance), web("VI_1")}}}
	for _, tt := range []struct {
		name string
		in   inputs
		want bool
	}{
		{"weight 0 without a result", state(hysteresis.Unknown, 0), true},
		{"weight 0 up", state(hysteresis.Up, 0), false},
		{"weight 0 down", state(hysteresis.Down, 0), false},
		{"another weight without a result", state(hysteresis.Unknown, -20), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.inputs.set(tt.in)
			if got := c.waiting(w.inputs); got != tt.want {
				t.Errorf("waiting %v, want %v", got, tt.want)
			}
		})
	}
}
