package proxyproto

import "net/netip"

// Version is that of a header. The zero Version is none.
type Version uint8

// The versions.
const (
	V1 Version = 1 + iota // a line of text
	V2                    // binary
)

// Header is what one says.
type Header struct {
	Version Version
	// Source is the client, Destination what it has connected to. Both are zero where the header names nobody: the proxy speaks for itself
	// (LOCAL), or for somebody who has no such address (UNKNOWN, AF_UNSPEC, AF_UNIX). The addresses are those of the connection then.
	Source, Destination netip.AddrPort
}

// Reason is why what comes is no header. It is an error, and the label that it is counted by.
type Reason string

// The reasons.
const (
	Absent    Reason = "proxy_absent"    // it begins with something else
	Malformed Reason = "proxy_malformed" //
	TooLarge  Reason = "proxy_too_large" // more than Most octets
)

func (r Reason) Error() string {
	switch r {
	case Absent:
		return "no PROXY header"
	case TooLarge:
		return "PROXY header is too large"
	}
	return "PROXY header is malformed"
}

// Label is the reason in one word.
func (r Reason) Label() string { return string(r) }

// Most bounds a header, in octets, with all that version 2 may carry behind the addresses: twice what fits a packet.
const Most = 3 << 10

// Parse reads the header that b begins with, and returns its length; 0: more has to come. An error is a Reason.
func Parse(b []byte) (h Header, n int, err error) {
	switch {
	case begins(b, signature):
		return parseV2(b)
	case begins(b, prefix):
		return parseV1(b)
	}
	return Header{}, 0, Absent
}

// begins reports whether b begins with s, as far as it goes.
func begins(b []byte, s string) bool {
	n := min(len(b), len(s))
	return string(b[:n]) == s[:n]
}

// Append writes the header for a client. Addresses of two families are written as those of IPv6; who has none is unknown.
func Append(dst []byte, v Version, source, destination netip.AddrPort) []byte {
	source, destination = alike(source, destination)
	if v == V1 {
		return appendV1(dst, source, destination)
	}
	return appendV2(dst, source, destination)
}

// AppendLocal writes the header of a connection that is for no client, such as a health check.
func AppendLocal(dst []byte, v Version) []byte {
	if v == V1 {
		return append(dst, "PROXY UNKNOWN\r\n"...)
	}
	return append(append(dst, signature...), version2|local, 0, 0, 0)
}

// alike returns two addresses of one family, or two zero ones.
func alike(a, b netip.AddrPort) (netip.AddrPort, netip.AddrPort) {
	if !a.IsValid() || !b.IsValid() {
		return netip.AddrPort{}, netip.AddrPort{}
	}
	a, b = plain(a), plain(b)
	if a.Addr().Is4() == b.Addr().Is4() {
		return a, b
	}
	return mapped(a), mapped(b)
}

// plain is an address without zone, in its own family.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// mapped is an address of IPv6, though it may be one of IPv4 (RFC 4291 section 2.5.5.2).
func mapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(a.Addr().As16()), a.Port())
}
