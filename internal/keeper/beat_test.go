package keeper

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"testing"
)

// A beat goes to each peer; one that cannot be reached keeps no other from hearing.
func TestABeatGoesToEveryPeer(t *testing.T) {
	t.Parallel()
	beat := testBeat(100*ms, 1)
	for _, dst := range []string{"10.0.0.2", "10.0.0.3"} {
		p := beat.Packet
		p.Dst = netip.MustParseAddr(dst)
		beat.Also = append(beat.Also, p)
	}
	unreachable := errors.New("network is unreachable")
	j := journal{refuse: map[string]error{"send 01 to 10.0.0.2 on eth0": unreachable}}
	book, file, err := makeLedger()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it stays mapped
	l := newLoop(&j, book, os.Getpid())
	l.advert(action{kind: sendAdvert, beat: *beat, slot: 7})
	if want := "send 01 to 10.0.0.3 on eth0"; !slices.Contains(j.lines, want) {
		t.Errorf("got %q, want %s among it", j.lines, want)
	}
	if c := l.counters; c.Adverts != 2 || c.AdvertErrors != 1 || c.AdvertError != unreachable.Error() {
		t.Errorf("got %+v, want 2 adverts and 1 error", c)
	}
	if book.spoke(7) == 0 || book.spoke(6) != 0 {
		t.Error("the ledger does not tell that the beat was sent")
	}

	clone := beat.clone()
	beat.Data[0], beat.Also[0].Data[0] = 9, 9
	if clone.Data[0] != 1 || clone.Also[0].Data[0] != 1 {
		t.Error("the clone shares a packet")
	}
	beat.Also[1].Interface = "eth1"
	if err, want := beat.check(), "beat on eth0 for IPv4: a packet on eth1 for IPv4"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	beat.Also[1].Interface, beat.Also[1].Dst = "eth0", netip.MustParseAddr("fd00::2")
	if err, want := beat.check(), "beat on eth0 for IPv4: a packet on eth0 for IPv6"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
