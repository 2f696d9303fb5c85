package doctor

import (
	"net/netip"
	"slices"
)

// Bounds of what is kept, so that a flood costs no memory.
const (
	maxSpeakers = 1024 // four times the VRIDs that there are
	maxAnswers  = 1024 // holders of virtual addresses
	maxAsked    = 512  // virtual addresses asked for on one interface: twice each, paced, within the shortest time
)

// speakerKey tells speakers apart.
type speakerKey struct {
	source  netip.Addr
	mac     MAC
	vrid    uint8
	version uint8
	local   bool
}

// wire is the tally of what a tap sees. It belongs to the goroutine that reads the tap.
type wire struct {
	vips     map[netip.Addr]bool
	speakers map[speakerKey]*Speaker
	answers  map[Answer]bool
	overflow bool
	querier  netip.Addr
	left     bool // the probe was seen leaving
}

func newWire(vips []netip.Addr) *wire {
	w := &wire{vips: map[netip.Addr]bool{}, speakers: map[speakerKey]*Speaker{}, answers: map[Answer]bool{}}
	for _, a := range vips {
		w.vips[a] = true
	}
	return w
}

// add counts a frame; outgoing: this host sent it.
func (w *wire) add(b []byte, outgoing bool) {
	f := parseFrame(b)
	switch {
	case f.advert != nil:
		w.hear(f.mac, f.advert, outgoing)
	case f.arp != nil && !outgoing && w.vips[f.arp.Address] && len(w.answers) < maxAnswers:
		w.answers[*f.arp] = true
	case f.querier.IsValid() && !outgoing:
		w.querier = f.querier
	case f.probe && outgoing:
		w.left = true
	}
}

func (w *wire) hear(mac MAC, a *advert, outgoing bool) {
	key := speakerKey{source: a.source, mac: mac, vrid: a.vrid, version: a.version, local: outgoing}
	s := w.speakers[key]
	if s == nil {
		if len(w.speakers) >= maxSpeakers {
			w.overflow = true
			return
		}
		s = &Speaker{MAC: mac, Source: a.source, Local: outgoing, VRID: a.vrid, Version: a.version}
		w.speakers[key] = s
	}
	s.Wire++
	if a.priority != 0 { // which says only that the sender goes
		s.Priority = a.priority
	}
	s.AuthType, s.Interval, s.Addresses = a.authType, a.interval, a.addresses
}

// socketKey is what a raw socket tells of an advert's sender.
type socketKey struct {
	source  netip.Addr
	vrid    uint8
	version uint8
}

// got is the tally of what a raw socket gets. It belongs to the goroutine that reads the socket.
type got map[socketKey]int

func (g got) add(source netip.Addr, payload []byte) {
	a := parseAdvert(source, payload)
	if a == nil {
		return
	}
	key := socketKey{source: a.source, vrid: a.vrid, version: a.version}
	if _, known := g[key]; known || len(g) < maxSpeakers {
		g[key]++
	}
}

// merge puts together what tap and sockets heard, ordered by VRID and sender.
func (w *wire) merge(h *Hearing, sockets ...got) {
	for _, s := range w.speakers {
		for _, g := range sockets {
			if !s.Local {
				s.Socket += g[socketKey{source: s.Source, vrid: s.VRID, version: s.Version}]
			}
		}
		h.Speakers = append(h.Speakers, *s)
	}
	slices.SortFunc(h.Speakers, func(a, b Speaker) int {
		if a.VRID != b.VRID {
			return int(a.VRID) - int(b.VRID)
		}
		if c := a.Source.Compare(b.Source); c != 0 {
			return c
		}
		return slices.Compare(a.MAC[:], b.MAC[:])
	})
	for a := range w.answers {
		h.Answers = append(h.Answers, a)
	}
	slices.SortFunc(h.Answers, func(a, b Answer) int {
		if c := a.Address.Compare(b.Address); c != 0 {
			return c
		}
		return slices.Compare(a.MAC[:], b.MAC[:])
	})
	h.Overflow, h.Querier, h.Probe.Left = w.overflow, w.querier, w.left
}
