package daemon

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/vrrp"
)

// line is a beatLine with its worker, for a test in a bubble.
func line(t *testing.T) (*beatLine, *fakeKeeper) {
	t.Helper()
	k := newFakeKeeper(&journal{})
	b := newBeatLine(k, hclog.NewNullLogger())
	end := make(chan struct{})
	var worker sync.WaitGroup
	worker.Go(func() { b.run(t.Context(), end) })
	t.Cleanup(func() {
		close(end)
		worker.Wait()
	})
	return b, k
}

// to is one packet for everybody.
func to(data ...byte) []vrrp.Packet {
	return []vrrp.Packet{{Dst: netip.MustParseAddr("224.0.0.18"), Data: data}}
}

func TestBeatsKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := line(t)
		packet := to(1, 2, 3)
		b.Set("VI_1", packet, "eth0", time.Second, time.Minute)
		packet[0].Data[0] = 9 // the group's buffer goes on to the next advert
		b.Stop("VI_1")
		b.Set("VI_1", packet, "eth0", 2*time.Second, time.Minute)
		b.flush(t.Context())
		k.want(t, "beat on eth0 to 224.0.0.18 each 1s", "no beat", "beat on eth0 to 224.0.0.18 each 2s")
		if got := k.beats["VI_1"].Data; got[0] != 9 {
			t.Errorf("packet %v", got)
		}
	})
}

// Adverts to peers are one beat: all of them are sent at each interval.
func TestBeatToPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := line(t)
		packets := append(to(1), vrrp.Packet{Dst: netip.MustParseAddr("10.0.0.2"), Data: []byte{2}}, vrrp.Packet{Dst: netip.MustParseAddr("10.0.0.3"), Data: []byte{3}})
		b.Set("VI_1", packets, "eth0", 100*time.Millisecond, time.Minute)
		packets[2].Data[0] = 9
		b.flush(t.Context())
		also := k.beats["VI_1"].Also
		if len(also) != 2 || also[0].Dst != packets[1].Dst || also[1].Dst != packets[2].Dst || also[1].Interface != "eth0" || also[1].Data[0] != 3 {
			t.Errorf("got %+v beside the first packet, want copies of the other two", also)
		}
	})
}

func TestBeatPacketIsCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := line(t)
		packet := to(1, 2, 3)
		b.Set("VI_1", packet, "eth0", time.Second, time.Minute)
		packet[0].Data[0] = 9
		b.flush(t.Context())
		if got := k.beats["VI_1"].Data; got[0] != 1 {
			t.Errorf("the keeper got %v, want what was set", got)
		}
	})
}

func TestFlushEndsWithItsContext(t *testing.T) {
	b := newBeatLine(newFakeKeeper(&journal{}), hclog.NewNullLogger())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.flush(ctx) // no worker runs
}

func TestRefusedBeatIsTheDaemonsForTheTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := line(t)
		k.set(func(k *fakeKeeper) { k.refuses = errors.New("find interface eth0: no such device") })
		b.Set("VI_1", to(1), "eth0", time.Second, time.Minute)
		b.flush(t.Context())
		if b.Alive() {
			t.Error("alive after a refusal")
		}
		b.Stop("VI_1") // the group, which sends itself now
		b.flush(t.Context())
		if b.Alive() {
			t.Error("alive in the same term: each turn of the group would try again, and send an advert at once")
		}
		b.newTerm()
		if !b.Alive() {
			t.Error("not alive in the next term")
		}
	})
}

// A refusal that comes when its term is over says nothing about the next one.
func TestLateRefusalOfABeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := line(t)
		k.set(func(k *fakeKeeper) { k.refuses = errors.New("find interface eth0: no such device") })
		b.work.do(func(context.Context) { time.Sleep(time.Second) }) // a slow keeper
		b.Set("VI_1", to(1), "eth0", time.Second, time.Minute)
		b.Stop("VI_1")
		b.newTerm()
		b.flush(t.Context())
		if !b.Alive() {
			t.Error("not alive in a term whose beat nobody refused")
		}
	})
}

// A keeper that is not there is started again, and told of the beat by its client.
func TestBeatOfAKeeperThatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := line(t)
		k.set(func(k *fakeKeeper) { k.dead = true })
		b.Set("VI_1", to(1), "eth0", time.Second, time.Minute)
		b.flush(t.Context())
		if b.Alive() {
			t.Error("alive without a keeper")
		}
		k.set(func(k *fakeKeeper) { k.dead = false })
		if !b.Alive() {
			t.Error("not alive when the keeper is back")
		}
	})
}
