package resolve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// What is to be done about a message that is no answer.
var (
	errStray     = errors.New("no answer to the question") // ignore it
	errTruncated = errors.New("the answer is truncated")   // ask by TCP
	errFormat    = errors.New("FORMERR")                   // ask without EDNS
)

// maxAliases bounds how many aliases lead from a name to what it stands for.
const maxAliases = 16

// headerSize is the least that a message has, in octets (RFC 1035 section 4.1.1).
const headerSize = 12

// question is what one message asks.
type question struct {
	name string // complete, with a dot at the end
	kind uint16 // dns.TypeA, TypeAAAA or TypeSRV
}

// message returns the question as it is sent. With EDNS (RFC 6891) it says how large an answer may be that is sent by UDP.
func (q question) message(id uint16, edns bool) *dns.Msg {
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: id, RecursionDesired: true}, Question: []dns.Question{{Name: q.name, Qtype: q.kind, Qclass: dns.ClassINET}}}
	if edns {
		m.SetEdns0(udpSize, false)
	}
	return m
}

// reply is what a message answers.
type reply struct {
	addrs    []netip.Addr
	services []*dns.SRV
	alias    string // where the aliases lead to when the answer leaves off there; empty: it does not
	ttl      time.Duration
}

// read judges a message that came in the place of an answer.
func (q question) read(packet []byte, id uint16) (reply, error) {
	m := &dns.Msg{}
	fault := m.Unpack(packet)
	if fault == nil && len(packet) >= headerSize && int(binary.BigEndian.Uint16(packet[6:])) != len(m.Answer) { // which the library lets pass
		fault = errors.New("fewer records than it says")
	}
	bare := len(m.Question) == 0 && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented) // it has not understood the question
	switch {
	case len(packet) < headerSize || m.Id != id || !m.Response || m.Opcode != dns.OpcodeQuery, !bare && !q.askedBy(m.Question):
		return reply{}, errStray
	case m.Truncated:
		return reply{}, errTruncated
	case fault != nil:
		return reply{}, fmt.Errorf("%w: %w", errStray, fault)
	}
	switch m.Rcode {
	case dns.RcodeSuccess:
	case dns.RcodeNameError:
		return reply{}, errNoName
	case dns.RcodeFormatError, dns.RcodeNotImplemented:
		return reply{}, errFormat
	default:
		return reply{}, errors.New(rcode(m.Rcode))
	}
	return q.follow(m)
}

// askedBy reports whether a message repeats the question.
func (q question) askedBy(all []dns.Question) bool {
	return len(all) == 1 && strings.EqualFold(all[0].Name, q.name) && all[0].Qtype == q.kind && all[0].Qclass == dns.ClassINET
}

func rcode(code int) string {
	if text, ok := dns.RcodeToString[code]; ok {
		return text
	}
	return fmt.Sprintf("response code %d", code)
}

// follow finds what the name stands for, behind its aliases.
func (q question) follow(m *dns.Msg) (reply, error) {
	name, ttl := q.name, uint32(math.MaxInt32)
	for hops := 0; ; hops++ {
		alias := aliasOf(name, m.Answer)
		if alias == nil {
			break
		}
		if hops == maxAliases {
			return reply{}, fmt.Errorf("more than %d aliases", maxAliases)
		}
		name, ttl = alias.Target, min(ttl, lifetime(alias))
	}
	var r reply
	for _, rr := range m.Answer {
		if !strings.EqualFold(rr.Header().Name, name) || rr.Header().Class != dns.ClassINET || rr.Header().Rrtype != q.kind {
			continue
		}
		ttl = min(ttl, lifetime(rr))
		switch rr := rr.(type) {
		case *dns.A:
			if a, ok := netip.AddrFromSlice(rr.A); ok && usable(a.Unmap()) {
				r.addrs = append(r.addrs, a.Unmap())
			}
		case *dns.AAAA:
			if a, ok := netip.AddrFromSlice(rr.AAAA); ok && usable(a) {
				r.addrs = append(r.addrs, a)
			}
		case *dns.SRV:
			r.services = append(r.services, rr)
		}
	}
	r.ttl = time.Duration(ttl) * time.Second
	switch {
	case len(r.addrs)+len(r.services) > 0:
		return r, nil
	case hasSOA(m.Ns): // RFC 2308 section 2.2: there is the name, and nothing of this kind
	case name != q.name:
		r.alias = name
		return r, nil
	case !m.Authoritative && !m.RecursionAvailable: // it refers to others, whom it does not ask itself
		return reply{}, errors.New("it does not answer for others (no recursion)")
	}
	return reply{}, errNoRecord
}

// usable reports whether a server can have an address. Filters answer with 0.0.0.0, which would be this host itself.
func usable(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsMulticast() && !a.Is4In6() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func aliasOf(name string, rrs []dns.RR) *dns.CNAME {
	for _, rr := range rrs {
		if c, ok := rr.(*dns.CNAME); ok && strings.EqualFold(c.Hdr.Name, name) {
			return c
		}
	}
	return nil
}

// lifetime is the time to live of a record in seconds. One with the highest bit set is 0 (RFC 2181 section 8).
func lifetime(rr dns.RR) uint32 {
	if ttl := rr.Header().Ttl; ttl <= math.MaxInt32 {
		return ttl
	}
	return 0
}

func hasSOA(rrs []dns.RR) bool {
	for _, rr := range rrs {
		if _, ok := rr.(*dns.SOA); ok {
			return true
		}
	}
	return false
}
