package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// A cable fails in two ways: the carrier is lost, or frames are lost and the carrier stays.
func TestIntegrationFaultCable(t *testing.T) {
	p := newPair(t, "")
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("carrier lost on the master", func(t *testing.T) {
		ready(t, p, "lb1")
		justAdvertised(t, p, "lb1")
		measure(t, p, figure{"cable pulled on the master (carrier lost)", silenceBound}, "lb2", p.Cable("lb1").Pull)
		if s := mustSnapshot(t, p, "lb1").Instances[0]; s.State != status.Fault {
			t.Errorf("lb1 without carrier is %s, want FAULT", s.State)
		}
		// lb1 preempts when its checks have found a server again, so that nobody gets a 503.
		measure(t, p, figure{"its cable back: failback", contestBound}, "lb1", p.Cable("lb1").Restore)
	})
	t.Run("silence of the master", func(t *testing.T) {
		ready(t, p, "lb1")
		justAdvertised(t, p, "lb1")
		// Alone on its side of the cable lb1 keeps the address, which harms nobody.
		observe(t, p, figure{"cable of the master dead (carrier stays)", silenceBound}, func(ctx context.Context) error {
			return muteUntil(ctx, p, "lb1", "lb2")
		})
		measure(t, p, figure{"its frames pass again: failback", contestBound}, "lb1", p.Cable("lb1").Restore)
	})
	t.Run("carrier lost on the backup", func(t *testing.T) {
		ready(t, p, "lb1")
		measure(t, p, figure{"cable pulled on the backup", 0}, "lb1", p.Cable("lb2").Pull)
		measure(t, p, figure{"cable of the backup back", 0}, "lb1", p.Cable("lb2").Restore)
	})
	t.Run("silence of the backup", func(t *testing.T) {
		ready(t, p, "lb1")
		observe(t, p, figure{"cable of the backup dead", 0}, func(ctx context.Context) error { return muteUntil(ctx, p, "lb2", "lb2") })
		measure(t, p, figure{"frames of the backup pass again", contestBound}, "lb1", p.Cable("lb2").Restore)
	})
}

// muteUntil loses every frame of a node, and waits until holder has the address.
func muteUntil(ctx context.Context, p *drill.Pair, node, holder string) error {
	if err := p.Cable(node).Mute(); err != nil {
		return err
	}
	return p.AwaitHolder(ctx, holder)
}

// justAdvertised waits for the next advert of the master: silence that begins now takes longest to be noticed.
func justAdvertised(t *testing.T, p *drill.Pair, master string) {
	t.Helper()
	await(t, p, p.Lab.Mark(), "an advert of "+master, advertOf(master))
}

// Both nodes of a partitioned pair hold the address. When it heals, the one of lower priority gives it up, whoever is heard
// first; and the other announces it again, because the client may have learned the loser's hardware address since.
func TestIntegrationFaultPartition(t *testing.T) {
	p := newPair(t, localConfig())
	startLocal(t, p, "lb1", nil)
	startLocal(t, p, "lb2", nil)
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The client is on lb2's side, which loses.
	for _, tt := range []struct{ name, first string }{
		{"partition heals, the loser hears the winner first", "lb1"},
		{"partition heals, the winner hears the loser first", "lb2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ready(t, p, "lb1")
			mark := p.Lab.Mark()
			master := await(t, p, mark, "an advert of the master", advertOf("lb1"))
			if err := muteUntil(t.Context(), p, "lb1", "lb2"); err != nil {
				t.Fatal(err)
			}
			backup := await(t, p, mark, "lb2 takes over", added("lb2"))
			if err := p.AwaitService(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			heal := map[string]time.Time{"lb1": master.Time, "lb2": backup.Time}[tt.first]
			awaitPhase(t, heal, 200*time.Millisecond)
			mark = p.Lab.Mark()
			healed := time.Now()
			measure(t, p, figure{tt.name, contestBound}, "lb1", p.Cable("lb1").Restore)
			if e := await(t, p, mark, "the first advert after healing", isAdvert); e.Node != tt.first {
				t.Errorf("the first advert after healing was %v, want one of %s: the test did not do what it is for", e, tt.first)
			}
			gone := await(t, p, mark, "lb2 gives up", removed("lb2"))
			within(t, tt.name+": one holder after", gone.Time.Sub(healed), interval+200*time.Millisecond)
			await(t, p, mark, "the winner announces after that", func(e netlab.Event) bool {
				return announcedBy("lb1")(e) && e.Time.After(gone.Time.Add(-time.Millisecond)) // two clocks: packets and notifications
			})
		})
	}
	t.Run("one way", func(t *testing.T) { oneWay(t, p) })
}

// oneWay: one direction of a cable fails. A node that does not hear the master takes the address too, and each hears or
// does not hear of it in its own way; when the cable is whole there is one holder.
func oneWay(t *testing.T, p *drill.Pair) {
	t.Run("the master is not heard", func(t *testing.T) {
		ready(t, p, "lb1")
		justAdvertised(t, p, "lb1")
		observe(t, p, figure{"frames from the master lost, one way", silenceBound}, func(ctx context.Context) error {
			if err := p.Cable("lb1").MuteOut(); err != nil {
				return err
			}
			return p.AwaitHolder(ctx, "lb2")
		})
		measure(t, p, figure{"frames from the master pass again", contestBound}, "lb1", p.Cable("lb1").Restore)
	})
	t.Run("the backup does not hear", func(t *testing.T) {
		ready(t, p, "lb1")
		// lb2 announces an address on which it can hear nobody. lb1 hears that and takes the clients back.
		observe(t, p, figure{"frames to the backup lost, one way", contestBound}, func(ctx context.Context) error {
			if err := p.Cable("lb2").MuteIn(); err != nil {
				return err
			}
			return p.AwaitHolder(ctx, "lb2")
		})
		measure(t, p, figure{"frames to the backup pass again", contestBound}, "lb1", p.Cable("lb2").Restore)
	})
}

// awaitPhase waits until a node that advertises every interval, in the phase of ref, is about to do so.
func awaitPhase(t *testing.T, ref time.Time, before time.Duration) {
	t.Helper()
	next := ref
	for time.Until(next) < before {
		next = next.Add(interval)
	}
	pause(t, time.Until(next)-before)
}

func isAdvert(e netlab.Event) bool { return e.Kind == netlab.AdvertSeen }

func advertOf(node string) func(netlab.Event) bool {
	return func(e netlab.Event) bool { return isAdvert(e) && e.Node == node }
}

func announcedBy(node string) func(netlab.Event) bool {
	return func(e netlab.Event) bool { return e.Node == node && e.Gratuitous(drill.VIP) }
}
