package doctor

import (
	"encoding/binary"
	"net/netip"
	"reflect"
	"testing"
)

func TestHearing(t *testing.T) {
	t.Parallel()
	vip, other := netip.MustParseAddr("10.77.0.100"), netip.MustParseAddr("10.77.0.1")
	w, g := newWire([]netip.Addr{vip}), got{}
	v2 := fromHex(t, advertV2)
	resigns := append([]byte{}, v2...)
	resigns[14+20+2] = 0 // priority
	w.add(v2, false)
	w.add(v2, false)
	w.add(resigns, false)
	w.add(v2, true)
	g.add(other, v2[14+20:])
	w.add(fromHex(t, arpReply), false)
	w.add(fromHex(t, arpReply), false)
	w.add(fromHex(t, arpNobody), false)
	ours := fromHex(t, arpReply)
	ours[14+8] = 6 // the sender's MAC
	w.add(ours, true)
	w.add(fromHex(t, query), false)

	var h Hearing
	w.merge(&h, g, got{})
	if len(h.Speakers) != 2 || h.Speakers[0].Local == h.Speakers[1].Local {
		t.Fatalf("got %+v, want one from the wire and one of this host", h.Speakers)
	}
	for _, s := range h.Speakers {
		wire, socket := 3, 1
		if s.Local {
			wire, socket = 1, 0
		}
		if s.Wire != wire || s.Socket != socket || s.Priority != 101 || s.MAC != senderMAC {
			t.Errorf("got %+v, want %d on the wire, %d at the socket, the priority before it resigned", s, wire, socket)
		}
	}
	if want := []Answer{{vip, MAC{2, 0, 0, 0, 0, 2}}}; !reflect.DeepEqual(h.Answers, want) {
		t.Errorf("answers: got %v, want %v", h.Answers, want)
	}
	if got, want := h.Querier, netip.MustParseAddr("10.77.0.254"); got != want {
		t.Errorf("querier: got %v, want %v", got, want)
	}
	if h.Probe.Left {
		t.Error("the probe left: got true, want false")
	}
	w.add(fromHex(t, probed), false) // another host's
	w.merge(&h)
	if h.Probe.Left {
		t.Error("another host's probe: got that ours left")
	}
	w.add(fromHex(t, probed), true)
	w.merge(&h)
	if !h.Probe.Left {
		t.Error("the probe left: got false, want true")
	}
}

func TestHearingIsBounded(t *testing.T) {
	t.Parallel()
	w, g := newWire(nil), got{}
	b := fromHex(t, advertV2)
	for i := range uint32(maxSpeakers + 10) {
		binary.BigEndian.PutUint32(b[14+12:], i)
		w.add(b, false)
		g.add(netip.AddrFrom4([4]byte(b[14+12:])), b[14+20:])
	}
	var h Hearing
	w.merge(&h, g)
	if len(h.Speakers) != maxSpeakers || len(g) != maxSpeakers || !h.Overflow {
		t.Errorf("got %d speakers, %d at the socket, overflow %t; want %d and that", len(h.Speakers), len(g), h.Overflow, maxSpeakers)
	}
}
