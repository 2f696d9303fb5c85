package config

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// serverPlace is where a server listens: at an address, where its name says, or at a Unix socket.
type serverPlace struct {
	Address netip.AddrPort // not valid: it has a name
	Name    string         // of a host or, with an underscore before it, of a service
	Port    uint16         // of a host with a name
	Path    string         // of a Unix socket, which has neither
}

// UnmarshalText implements encoding.TextUnmarshaler. What the walk has let through is no error.
func (p *serverPlace) UnmarshalText(text []byte) (err error) {
	*p, err = parseServerPlace(string(text))
	return err
}

// service reports whether it has the name of a service, which ports belong to.
func (p *serverPlace) service() bool { return strings.HasPrefix(p.Name, "_") }

// serverAddress is where a server listens.
func serverAddress() Type {
	return Type{
		Kind: "address and port, name and port, service, or path", Want: "an address or name with a port such as 192.168.1.101:80 or web1.internal:80, a service such as _http._tcp.web.internal, or a path",
		tags: textTags, fault: func(text string) string {
			if isUnix(text) {
				return unixFault(text)
			}
			p, err := parseServerPlace(text)
			switch {
			case err != nil:
				return quote(text) + " " + err.Error()
			case p.Name == "":
				return hostFault(p.Address.Addr())
			}
			return ""
		},
	}
}

// parseServerPlace reads one. The error goes on after its text.
func parseServerPlace(text string) (serverPlace, error) {
	if isUnix(text) {
		return serverPlace{Path: text}, nil
	}
	if ap, err := netip.ParseAddrPort(text); err == nil && ap.Port() != 0 {
		return serverPlace{Address: ap}, nil
	}
	if strings.HasPrefix(text, "_") {
		if strings.Contains(text, ":") {
			return serverPlace{}, errors.New("is a service, whose ports its records say")
		}
		return serverPlace{Name: strings.ToLower(text)}, nameFault(text)
	}
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		return serverPlace{}, errors.New("has no port")
	}
	name := text[:colon]
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil || strings.ContainsAny(name, ":[]") || lastLabel.MatchString(name) {
		return serverPlace{}, errors.New("is no address and port")
	}
	port, err := strconv.ParseUint(text[colon+1:], 10, 16)
	if err != nil || port == 0 {
		return serverPlace{}, fmt.Errorf("has no port from 1 to 65535")
	}
	return serverPlace{Name: strings.ToLower(name), Port: uint16(port)}, nameFault(name)
}

// lastLabel matches what ends in digits alone: rather a broken address than a name.
var lastLabel = regexp.MustCompile(`(^|\.)[0-9]+\.?$`)

// hostName matches names as hosts, services and containers have them, with or without a dot at the end.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$`)

// nameFault says what is wrong with a name that DNS is to be asked for (RFC 1035 section 2.3.4).
func nameFault(name string) error {
	if len(name) > 253 || !hostName.MatchString(name) {
		return errors.New("has no name that DNS could know")
	}
	return nil
}

// nameserverAddress is where a nameserver is asked.
func nameserverAddress() Type {
	return Type{Kind: "IP address, with or without a port", Want: "an IP address such as 192.168.1.53, or 192.168.1.53:5353", tags: textTags, fault: func(text string) string {
		ap, err := parseNameserver(text)
		if err != nil || ap.Port() == 0 {
			return quote(text) + " is no IP address, and no IP address with a port"
		}
		return hostFault(ap.Addr())
	}}
}

// parseNameserver reads an address; without a port it is that of DNS.
func parseNameserver(text string) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(addr, 53), nil
	}
	return netip.ParseAddrPort(text)
}
