package keeper

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

// Op is one operation of a will. All are idempotent: carried out a second time they change nothing and are no error.
// There is one type a kind; decodeOp has the table of them.
type Op interface {
	fmt.Stringer
	kind() opKind
	check() error
	carryOut(h *hands, instance string) error
	way() (w Way, ok bool) // whose sender it needs, if any
}

// opKind names a kind of operation in a will file.
type opKind string

const (
	kindRemoveAddress opKind = "remove_address"
	kindSendPacket    opKind = "send_packet"
)

// decodeOp is the table of kinds.
func decodeOp(kind opKind, text []byte) (Op, error) {
	switch kind {
	case kindRemoveAddress:
		return decodeAs[RemoveAddress](text)
	case kindSendPacket:
		return decodeAs[SendPacket](text)
	}
	return nil, fmt.Errorf("unknown operation %q", kind)
}

// RemoveAddress takes an address off an interface. That either is gone already is fine.
type RemoveAddress struct {
	Interface string       `json:"interface"`
	Prefix    netip.Prefix `json:"prefix"` // with the prefix length that the address was added with, host bits kept
}

func (RemoveAddress) kind() opKind     { return kindRemoveAddress }
func (RemoveAddress) way() (Way, bool) { return Way{}, false }
func (o RemoveAddress) String() string {
	return fmt.Sprintf("remove %s from %s", o.Prefix, o.Interface)
}

func (o RemoveAddress) check() error {
	switch {
	case o.Interface == "":
		return errors.New("remove an address: no interface given")
	case !o.Prefix.IsValid():
		return fmt.Errorf("remove an address from %s: no address given", o.Interface)
	}
	return nil
}

func (o RemoveAddress) carryOut(h *hands, _ string) error {
	return h.effects.RemoveAddress(o.Interface, o.Prefix)
}

// SendPacket sends one packet, the advert of priority 0 above all.
type SendPacket Packet

func (SendPacket) kind() opKind       { return kindSendPacket }
func (o SendPacket) way() (Way, bool) { return Packet(o).way(), true }
func (o SendPacket) String() string {
	return fmt.Sprintf("send %d octets to %s on %s", len(o.Data), o.Dst, o.Interface)
}
func (o SendPacket) check() error { return Packet(o).check() }
func (o SendPacket) carryOut(h *hands, instance string) error {
	if err := h.clocks.seal(instance, Packet(o)); err != nil {
		return err
	}
	return h.send(Packet(o))
}

// Way is a way out of the node: an interface, and the version of IP. A socket serves one.
type Way struct {
	Interface string
	IPv6      bool // else IPv4
}

// String is the way as it stands in errors.
func (w Way) String() string {
	if w.IPv6 {
		return w.Interface + " for IPv6"
	}
	return w.Interface + " for IPv4"
}

// Packet is a ready-made packet and the interface that it leaves from.
type Packet struct {
	Interface string     `json:"interface"`
	Dst       netip.Addr `json:"dst"`  // as in the packet's header
	Data      []byte     `json:"data"` // the whole IP packet, header included; at most maxData octets
	Signer    Signer     `json:"signer,omitzero"`
}

func (p Packet) way() Way { return Way{Interface: p.Interface, IPv6: p.Dst.Is6()} }

// maxData is what fits an Ethernet frame: adverts are not fragmented.
const maxData = 1500

func (p Packet) check() error {
	switch {
	case p.Interface == "":
		return errors.New("send a packet: no interface given")
	case !p.Dst.IsValid():
		return fmt.Errorf("send a packet on %s: no destination given", p.Interface)
	case p.Dst.Is4In6(), p.Dst.Zone() != "":
		return fmt.Errorf("send a packet on %s: destination %s, want an address as it stands in a header", p.Interface, p.Dst)
	case len(p.Data) == 0 || len(p.Data) > maxData:
		return fmt.Errorf("send a packet on %s: %d octets, want 1 to %d", p.Interface, len(p.Data), maxData)
	}
	if !p.Signer.IsZero() {
		return seal.Check(p.Data)
	}
	return nil
}

// will is the list of operations of one instance, as it is encoded.
type will []Op

type taggedOp struct {
	Kind opKind          `json:"op"`
	With json.RawMessage `json:"with"`
}

// MarshalJSON tags each operation with its kind.
func (w will) MarshalJSON() ([]byte, error) {
	tagged := make([]taggedOp, len(w))
	for i, op := range w {
		text, err := json.Marshal(op)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", op, err)
		}
		tagged[i] = taggedOp{Kind: op.kind(), With: text}
	}
	return json.Marshal(tagged)
}

// UnmarshalJSON refuses unknown kinds and operations that could not be carried out.
func (w *will) UnmarshalJSON(text []byte) error {
	var tagged []taggedOp
	if err := unmarshalStrict(text, &tagged); err != nil {
		return err
	}
	*w = make(will, len(tagged))
	for i, t := range tagged {
		op, err := decodeOp(t.Kind, t.With)
		if err != nil {
			return fmt.Errorf("operation %d: %w", i+1, err)
		}
		(*w)[i] = op
	}
	return w.check()
}

// storable is what of a will may lie in a file: no key may. Without its seal a farewell is worth nothing, and one that was sealed
// beforehand would be too old, so it is left out; the peer takes over without it, a little later.
func (w will) storable() will {
	return slices.DeleteFunc(slices.Clone(w), func(op Op) bool {
		p, ok := op.(SendPacket)
		return ok && !p.Signer.IsZero()
	})
}

// signer is that of the will's packets, all of one instance.
func (w will) signer() Signer {
	for _, op := range w {
		if p, ok := op.(SendPacket); ok {
			return p.Signer
		}
	}
	return Signer{}
}

func (w will) check() error {
	for i, op := range w {
		if err := op.check(); err != nil {
			return fmt.Errorf("operation %d: %w", i+1, err)
		}
	}
	return nil
}

func decodeAs[T Op](text []byte) (Op, error) {
	var op T
	if err := unmarshalStrict(text, &op); err != nil {
		return nil, err
	}
	return op, nil
}

// unmarshalStrict decodes one JSON value without unknown fields: a will that isn't understood whole isn't carried out in part.
func unmarshalStrict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one value")
	}
	return nil
}
