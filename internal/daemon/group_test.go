package daemon

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/vrrp"
)

// pair is a sync group of two instances between fakes.
func pair(w *world) (g *group, one, two *part) {
	one, two = w.instance(web("VI_1", "10.0.0.100/24")), w.instance(web("VI_2", "10.0.0.200/24"))
	return groupOf("site", one, two), one, two
}

// Each instance has an executor, a will and gates of its own: what one does waits for no other.
func TestGroupHandsActionsToTheirInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		g, one, two := pair(w)
		g.do("VI_1", vrrp.ReleaseAddresses{})
		g.do("VI_2", vrrp.ReleaseAddresses{})
		g.do("VI_9", vrrp.ReleaseAddresses{}) // nobody's
		two.work(t)
		w.want(t, "gate 10.0.0.200 closed", "release [10.0.0.200/24]", "vrrp.AddressesReleased{}", "end connections on 10.0.0.200")
		one.work(t)
		w.want(t, "gate 10.0.0.100 closed", "release [10.0.0.100/24]", "vrrp.AddressesReleased{}", "end connections on 10.0.0.100")
	})
}

// The keeper knows instances, not groups: each one's will is due when the loop that they share is silent.
func TestGroupBeatsTheHeartOfEachInstance(t *testing.T) {
	w := newWorld()
	g, _, _ := pair(w)
	if g.alive() {
		t.Error("alive before its loop runs")
	}
	g.beatHeart()
	if want := []string{"VI_1", "VI_2"}; !slices.Equal(w.keeper.heard, want) {
		t.Errorf("heartbeats of %v, want %v", w.keeper.heard, want)
	}
	if !g.alive() {
		t.Error("not alive after a sign of life")
	}
	// A heartbeat allows the keeper to speak: it does not overtake the word that it shall not.
	one := g.instances[0].beat
	one.Stop("VI_1")
	g.beatHeart()
	one.work.take()(t.Context())
	g.beatHeart()
	if one.work.take() != nil {
		t.Error("there is more to say")
	}
	g.beatHeart()
	if want := []string{"VI_1", "VI_2", "VI_2", "VI_2", "VI_1", "VI_2"}; !slices.Equal(w.keeper.heard, want) {
		t.Errorf("heartbeats of %v, want %v", w.keeper.heard, want)
	}
}

// A keeper that takes the beat of one instance and not of the other sends for the one alone.
func TestGroupBeatsAreEachInstancesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, one, two := pair(w)
		lines := beats{"VI_1": one.beat, "VI_2": two.beat}
		lines.Set("VI_1", to(1), "eth0", time.Second, time.Minute)
		one.work(t)
		w.keeper.set(func(k *fakeKeeper) { k.refuses = errors.New("find interface eth1: no such device") })
		lines.Set("VI_2", to(2), "eth1", time.Second, time.Minute)
		two.work(t)
		if one, two := lines.Alive("VI_1"), lines.Alive("VI_2"); !one || two {
			t.Errorf("alive %v and %v, want true and false", one, two)
		}
		lines.Stop("VI_1")
		one.work(t)
		w.want(t, "beat on eth0 to 224.0.0.18 each 1s", "no beat")
	})
}

// The first results of all instances are waited for at once, and before any state machine starts.
func TestGroupPreparesAllItsInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		g, _, _ := pair(w)
		w.inputs.set(tracking(hysteresis.Unknown))
		began := time.Now()
		g.prepare(t.Context(), t.Context())
		if took := time.Since(began); took != firstResults {
			t.Errorf("took %v, want %v", took, firstResults)
		}
		if got := len(w.lines); got != 4 {
			t.Errorf("the machines were told %q, want a source and a fault for each", w.lines)
		}
	})
}

func TestGroupThatCannotRunSaysItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		g, one, _ := pair(w)
		g.setRouter(deadRouter{one.router})
		r := newRunning(g)
		failed := make(chan string, 1)
		r.start(func(part string, err error) { failed <- part + ": " + err.Error() })
		if got, want := <-failed, "sync group site: VRID 51 is taken"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		<-r.done
	})
}

// When a group ends every instance has carried out what its machine asked for last.
func TestGroupEndsWithAllItsInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		g, one, two := pair(w)
		r := newRunning(g)
		r.start(func(part string, err error) { t.Errorf("%s: %v", part, err) })
		synctest.Wait()
		for _, p := range []*part{one, two} {
			g.do(p.name, vrrp.ReleaseAddresses{})
			g.do(p.name, vrrp.Transition{From: vrrp.Master, To: vrrp.Initialize})
		}
		stopAll([]*running{r})
		for _, p := range []*part{one, two} {
			if will, said := w.keeper.wills[p.name]; !said || will != nil || len(p.transitions) != 1 {
				t.Errorf("%s: will %v, transitions %v", p.name, will, p.transitions)
			}
		}
	})
}
