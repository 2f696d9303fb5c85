package daemon

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/internal/admin"
	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/vrrp"
)

// handedOverInputs know of handovers and nothing else.
type handedOverInputs struct{ *handovers }

func (h handedOverInputs) inputs(cfg config.Instance) inputs {
	return inputs{base: cfg.VRRP.Priority, handoverUntil: h.of(cfg.VRRP.Name).until}
}

// Whoever of a sync group is named, all of it is told to stay away first, and only then to look for a successor.
func TestHandoverOfASyncGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := newWorld(), newHandovers()
		g, one, two := pair(w)
		one.instance.inputs, two.instance.inputs = handedOverInputs{h}, handedOverInputs{h}
		one.router.is(vrrp.Status{State: vrrp.Master, Epoch: 4})
		d := &Daemon{groups: []*running{newRunning(g)}, host: &host{handovers: h}}
		now := time.Now()
		until := now.Add(time.Minute)

		got, err := d.Handover([]string{"VI_2"}, time.Minute, false)
		want := []admin.Handover{
			{Instance: "VI_1", State: "MASTER", Epoch: 4, Held: true, Until: until},
			{Instance: "VI_2", State: "MASTER", Epoch: 4, Held: true, Until: until},
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		hold := "vrrp.HoldPreempt{[handed over: it leaves a live master alone until " + until.Format(time.TimeOnly) + ", or tandem handover --release]}"
		offer := "vrrp.Offer{tandem handover 5s}"
		w.want(t, hold, hold, offer, offer)

		one.router.is(vrrp.Status{State: vrrp.Backup, Epoch: 5})
		time.Sleep(time.Second)
		got, err = d.Release([]string{"VI_1"})
		want = []admin.Handover{
			{Instance: "VI_1", State: "BACKUP", Epoch: 5, Held: true},
			{Instance: "VI_2", State: "BACKUP", Epoch: 5, Held: true},
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("released: got %+v, %v, want %+v", got, err, want)
		}
		w.want(t, "vrrp.HoldPreempt{[]}", "vrrp.Offer{ 0s}", "vrrp.HoldPreempt{[]}", "vrrp.Offer{ 0s}")
		if got, err := d.Release(nil); err != nil || got[0].Held || got[1].Held {
			t.Errorf("released again: got %+v, %v", got, err)
		}
		for _, i := range g.instances {
			s := i.snapshot(time.Now())
			if handedOver(&s, h.of(i.name), time.Now()); s.Counters.Handovers != 1 || !s.HandoverUntil.IsZero() {
				t.Errorf("%s: %d handovers, until %v", i.name, s.Counters.Handovers, s.HandoverUntil)
			}
		}
	})
}

// A handover ends by itself, on a backup too, which it only keeps from preempting.
func TestHandoverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := newWorld(), newHandovers()
		p := w.instance(web("VI_1", "10.0.0.100/24"))
		p.instance.inputs = handedOverInputs{h}
		p.router.is(vrrp.Status{State: vrrp.Backup})
		g := p.alone()
		go p.watchInputs(t.Context())
		g.handOver(h, time.Now(), time.Minute, true)
		s := status.Instance{}
		if handedOver(&s, h.of("VI_1"), time.Now()); s.Counters.Handovers != 0 || !s.HandoverUntil.Equal(time.Now().Add(time.Minute)) {
			t.Errorf("status: %d handovers, until %v", s.Counters.Handovers, s.HandoverUntil)
		}
		w.want(t, "vrrp.HoldPreempt{[handed over: it leaves a live master alone until "+
			time.Now().Add(time.Minute).Format(time.TimeOnly)+", or tandem handover --release]}", "vrrp.Resign{tandem handover}")
		time.Sleep(time.Minute - time.Millisecond)
		synctest.Wait()
		w.want(t)
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		w.want(t, "vrrp.HoldPreempt{[]}")
	})
}

func TestHandoverNamesInstances(t *testing.T) {
	w, h := newWorld(), newHandovers()
	g, _, _ := pair(w)
	alone := w.instance(web("VI_3", "10.0.1.100/24")).alone()
	d := &Daemon{groups: []*running{newRunning(g), newRunning(alone)}, host: &host{handovers: h}}
	for _, tt := range []struct {
		name  string
		d     *Daemon
		names []string
		want  []*group
		err   string
	}{
		{"all", d, nil, []*group{g, alone}, ""},
		{"one", d, []string{"VI_3"}, []*group{alone}, ""},
		{"a group by two of its names", d, []string{"VI_2", "VI_1"}, []*group{g}, ""},
		{"nobody's", d, []string{"VI_3", "VI_9"}, nil, `no instance "VI_9"; this node has VI_1, VI_2, VI_3`},
		{"a plain balancer", &Daemon{}, nil, nil, "this node has no VRRP instance: there is nothing to hand over"},
		{"at the end", &Daemon{groups: d.groups, ending: true}, nil, nil, "the daemon is stopping"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.d.named(tt.names)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if !reflect.DeepEqual(got, tt.want) || text != tt.err {
				t.Errorf("got %v, %q, want %v, %q", got, text, tt.want, tt.err)
			}
		})
	}
}
