package proxyproto

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// prefix is what version 1 begins with, and mostV1 its length at most: "a 108-byte buffer is always enough to store all the line and a
// trailing zero" (the text, section 2.1).
const (
	prefix = "PROXY "
	mostV1 = 107
)

// parseV1 reads a line that begins with prefix, as far as it has come.
func parseV1(b []byte) (h Header, n int, err error) {
	line, _, found := bytes.Cut(b[:min(len(b), mostV1)], []byte("\r\n"))
	switch {
	case found:
		n = len(line) + 2
	case len(b) >= mostV1:
		return h, 0, TooLarge
	default:
		return h, 0, nil
	}
	h.Version = V1
	rest := string(line[len(prefix):])
	if rest == "UNKNOWN" || strings.HasPrefix(rest, "UNKNOWN ") { // "the receiver must ignore anything presented before the CRLF"
		return h, n, nil
	}
	words := strings.Split(rest, " ")
	if len(words) != 5 || words[0] != "TCP4" && words[0] != "TCP6" {
		return Header{}, 0, Malformed
	}
	is4 := words[0] == "TCP4"
	source, ok := endpoint(words[1], words[3], is4)
	destination, okay := endpoint(words[2], words[4], is4)
	if !ok || !okay {
		return Header{}, 0, Malformed
	}
	h.Source, h.Destination = source, destination
	return h, n, nil
}

// endpoint reads an address and a port of "0 to 65535 [...]. No heading zeroes" (the text, section 2.1).
func endpoint(address, port string, is4 bool) (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Zone() != "" || a.Is4() != is4 {
		return netip.AddrPort{}, false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != port {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), true
}

func appendV1(dst []byte, source, destination netip.AddrPort) []byte {
	if !source.IsValid() {
		return AppendLocal(dst, V1)
	}
	family := "TCP6 "
	if source.Addr().Is4() {
		family = "TCP4 "
	}
	dst = append(append(dst, prefix...), family...)
	dst = append(source.Addr().AppendTo(dst), ' ')
	dst = append(destination.Addr().AppendTo(dst), ' ')
	dst = append(strconv.AppendUint(dst, uint64(source.Port()), 10), ' ')
	return append(strconv.AppendUint(dst, uint64(destination.Port()), 10), "\r\n"...)
}
