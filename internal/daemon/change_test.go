package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vrrp"
)

// titles are the groups, each with its instances.
func titles(all []*running) string {
	var titles []string
	for _, r := range all {
		var names []string
		for _, i := range r.instances {
			names = append(names, i.name)
		}
		titles = append(titles, r.sync+":"+strings.Join(names, ","))
	}
	return strings.Join(titles, " ")
}

func in(sync string, cfg config.Instance) config.Instance {
	cfg.SyncGroup = sync
	return cfg
}

func TestPlanGroups(t *testing.T) {
	one, two, three := web("VI_1", "10.0.0.100/24"), web("VI_2", "10.0.0.100/24"), web("VI_3", "10.0.0.100/24")
	louder, moved := two, three
	louder.VRRP.Priority, moved.VRRP.Interface = 200, "eth1"
	type list = []config.Instance
	for _, tt := range []struct {
		name                        string
		present, next               list
		after, kept, created, ended string
	}{
		{"what goes, comes, stays and moves", list{one, two, three}, list{web("VI_4"), moved, louder},
			":VI_4 :VI_3 :VI_2", "VI_2 200", ":VI_4 :VI_3", ":VI_1 :VI_3"},
		{"addresses of the other family", list{one, two}, list{web("VI_1", "fd00::100/64"), two}, ":VI_1 :VI_2", "VI_2 100", ":VI_1", ":VI_1"},
		{"another order", list{one, two}, list{two, one}, ":VI_2 :VI_1", "VI_2 100, VI_1 100", "", ""},
		{"a sync group stands where its first instance does", nil, list{in("site", one), two, in("site", three)},
			"site:VI_1,VI_3 :VI_2", "", "site:VI_1,VI_3 :VI_2", ""},
		{"a sync group that stays", list{in("site", one), in("site", two)}, list{in("site", louder), in("site", one)},
			"site:VI_1,VI_2", "VI_2 200, VI_1 100", "", ""},
		{"one that joins", list{in("site", one), two}, list{in("site", one), in("site", two)},
			"site:VI_1,VI_2", "", "site:VI_1,VI_2", "site:VI_1 :VI_2"},
		{"one that leaves", list{in("site", one), in("site", two)}, list{in("site", one), two},
			"site:VI_1 :VI_2", "", "site:VI_1 :VI_2", "site:VI_1,VI_2"},
		{"one that is gone", list{in("site", one), in("site", two)}, list{in("site", one)},
			"site:VI_1", "", "site:VI_1", "site:VI_1,VI_2"},
		{"one that is made anew takes all along", list{in("site", one), in("site", three)}, list{in("site", one), in("site", moved)},
			"site:VI_1,VI_3", "", "site:VI_1,VI_3", "site:VI_1,VI_3"},
		{"one for another", list{in("site", one), in("site", two)}, list{in("site", one), in("site", three)},
			"site:VI_1,VI_3", "", "site:VI_1,VI_3", "site:VI_1,VI_2"},
		{"another name", list{in("site", one), in("site", two)}, list{in("hall", one), in("hall", two)},
			"hall:VI_1,VI_2", "", "hall:VI_1,VI_2", "site:VI_1,VI_2"},
		{"a group of one is not an instance alone", list{in("site", one)}, list{one}, ":VI_1", "", ":VI_1", "site:VI_1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			create := func(cfg groupConfig) (*group, error) {
				var parts []*part
				for _, c := range cfg.instances {
					parts = append(parts, w.instance(c))
				}
				return groupOf(cfg.sync, parts...), nil
			}
			var present []*running
			for _, cfg := range groupsOf(tt.present) {
				g, _ := create(cfg) // it has no error
				present = append(present, newRunning(g))
			}
			c, err := planGroups(present, groupsOf(tt.next), create)
			if err != nil {
				t.Fatal(err)
			}
			var kept []string
			for _, k := range c.kept {
				if k.name != k.cfg.VRRP.Name {
					t.Errorf("%s is to become %s", k.name, k.cfg.VRRP.Name)
				}
				kept = append(kept, fmt.Sprintf("%s %d", k.name, k.cfg.VRRP.Priority))
			}
			for _, of := range []struct{ what, got, want string }{
				{"next", titles(c.next), tt.after},
				{"kept", strings.Join(kept, ", "), tt.kept},
				{"created", titles(c.created), tt.created},
				{"ended", titles(c.ended), tt.ended},
			} {
				if of.got != of.want {
					t.Errorf("%s: got %q, want %q", of.what, of.got, of.want)
				}
			}
		})
	}
}

func TestPlanThatFails(t *testing.T) {
	bad := errors.New("open a socket on eth9: no")
	_, err := planGroups(nil, groupsOf([]config.Instance{web("VI_9")}), func(groupConfig) (*group, error) { return nil, bad })
	if !errors.Is(err, bad) {
		t.Errorf("got %v, want %v", err, bad)
	}
}

// serve runs a part's executor until the test ends, for an instance that stays with the configuration next.
func serve(t *testing.T, p *part, next config.Instance) kept {
	t.Helper()
	end, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		p.exec.run(t.Context(), end)
	}()
	t.Cleanup(func() {
		close(end)
		<-over
	})
	return kept{p.instance, next, over}
}

func TestMoveAddressesOfAHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := w.instance(web("VI_1", "10.0.0.100/24", "10.0.0.101/24"))
		k := serve(t, p, p.config())
		p.vips.hold(true)
		w.gates.open("VI_1", p.applied.Addresses)
		w.want(t, "gate 10.0.0.100 open", "gate 10.0.0.101 open")
		if err := k.reconfigureAddresses(t.Context(), web("VI_1", "10.0.0.101/24", "10.0.0.102/24").VIP); err != nil {
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
		k := serve(t, p, p.config())
		if err := k.reconfigureAddresses(t.Context(), web("VI_1", "10.0.0.101/24").VIP); err != nil {
			t.Fatal(err)
		}
		w.want(t, "replace [10.0.0.100/24]")
		if err := k.reconfigureAddresses(t.Context(), web("VI_1", "10.0.0.101/24").VIP); err != nil {
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
		c := &groupChange{kept: []kept{
			serve(t, one, web("VI_1", "10.0.0.101/24")),
			serve(t, two, web("VI_2", "10.0.0.201/24")),
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
		k := serve(t, p, web("VI_1", "10.0.0.101/24"))
		p.exec.do(func(context.Context) { time.Sleep(time.Minute) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c := &groupChange{kept: []kept{k}}
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
	over := make(chan struct{})
	close(over)
	k := kept{newWorld().instance(web("VI_1", "10.0.0.100/24")).instance, web("VI_1", "10.0.0.101/24"), over}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := k.reconfigureAddresses(ctx, k.cfg.VIP)
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
		c := &groupChange{kept: []kept{serve(t, stays, web("VI_1", "10.0.0.100/24", "10.0.0.200/24"))}}
		if err := c.moveAddresses(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.lines = nil
		goes.do(vrrp.ReleaseAddresses{})
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
	c := &groupChange{kept: []kept{{w.instance(web("VI_1")).instance, web("VI_1"), nil}}}
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
