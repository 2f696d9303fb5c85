package config

import (
	"strconv"
	"strings"
	"testing"
)

func TestTypesAtTheirEdges(t *testing.T) {
	const ok = ""
	for _, tt := range []struct {
		name string
		typ  Type
		text string
		want string // what is wrong with it
	}{
		{"least", integer(1, 255), "1", ok},
		{"most", integer(1, 255), "255", ok},
		{"below", integer(1, 255), "0", "0 is out of range"},
		{"above", integer(1, 255), "256", "256 is out of range"},
		{"negative", integer(-253, 253), "-253", ok},
		{"beyond any integer", integer(1, 255), "18446744073709551617", "18446744073709551617 is out of range"},
		{"hexadecimal", integer(1, 255), "0x10", "0x10 is not in plain decimal digits"},
		{"octal", integer(1, 255), "010", "010 is not in plain decimal digits"},
		{"grouped", integer(1, 9999), "1_000", "1_000 is not in plain decimal digits"},

		{"shortest", duration("10ms", "1h"), "10ms", ok},
		{"longest", duration("10ms", "1h"), "1h", ok},
		{"in parts", duration("10ms", "1h"), "1m30.5s", ok},
		{"too short", duration("10ms", "1h"), "9.999ms", "9.999ms is out of range"},
		{"too long", duration("10ms", "1h"), "60m1ns", "60m1ns is out of range"},
		{"no unit", duration("10ms", "1h"), "5", "5 has no unit"},
		{"no unit, with a fraction", duration("10ms", "1h"), "1e3", "1e3 has no unit"},
		{"other unit", duration("10ms", "1h"), "1d", `"1d" is no duration`},
		{"no duration", duration("10ms", "1h"), "soon", `"soon" is no duration`},
		{"beyond any duration", duration("10ms", "1h"), "9999999h", `"9999999h" is no duration`},
		{"in steps", advertInterval(), "4m15s", ok},
		{"the shortest interval", advertInterval(), "10ms", ok},
		{"between two steps", advertInterval(), "1.005s", "1.005s is not in steps of 10ms"},
		{"below a step", advertInterval(), "5ms", "5ms is out of range"},

		{"true", boolean(), "True", ok},
		{"yes", boolean(), "yes", `"yes" is neither true nor false`},

		{"word", oneOf("http").later("tcp"), "http", ok},
		{"later word", oneOf("http").later("tcp"), "tcp", "tcp is not in this version"},
		{"other word", oneOf("http").later("tcp"), "HTTP", `unknown value "HTTP"`},

		{"name", identifier(), "VI_1.a-b", ok},
		{"name with a blank", identifier(), "VI 1", `"VI 1" is no name`},
		{"name that starts like an option", identifier(), "-x", `"-x" is no name`},
		{"name of 64", identifier(), "0123456789012345678901234567890123456789012345678901234567890123",
			`"012345678901234567890123456789012345678901234567..." is no name`},

		{"interface", interfaceName(), "eth0.100", ok},
		{"interface of 15", interfaceName(), "123456789012345", ok},
		{"interface of 16", interfaceName(), "1234567890123456", `"1234567890123456" is no interface name`},
		{"interface with a slash", interfaceName(), "a/b", `"a/b" is no interface name`},
		{"interface that is a folder", interfaceName(), "..", `".." is no interface name`},
		{"interface with an alias", interfaceName(), "eth0:1", `"eth0:1" is no interface name`},

		{"text", line(5), "a b c", ok},
		{"text too long", line(5), "123456", "the text has 6 octets"},
		{"text in octets, not characters", line(5), "äöü", "the text has 6 octets"},
		{"text of two lines", line(5), "a\nb", `"a\nb" holds a control character`},
		{"no text", line(5), "", "the text is empty"},
		{"body of two lines", body(5), "a\nb", ok},
		{"no body", body(5), "", ok},

		{"password", password(), "12345678", ok},
		{"password too long", password(), "123456789", "longer than 8 octets (Keepalived truncates it to the first 8: give those on both sides)"},

		{"host", hostAddress(), "fe80::1", ok},
		{"host with a zone", hostAddress(), "fe80::1%eth0", `"fe80::1%eth0" is no IP address`},
		{"broadcast", hostAddress(), "255.255.255.255", "255.255.255.255 is not the address of a host"},

		{"virtual address", virtualAddress(), "192.168.1.100/24", ok},
		{"virtual address alone", virtualAddress(), "192.168.1.100", ok},
		{"of a point-to-point link", virtualAddress(), "192.168.1.0/31", ok},
		{"virtual address of a network", virtualAddress(), "192.168.1.128/25", "192.168.1.128/25 is the network's own or its broadcast address"},
		{"virtual broadcast address", virtualAddress(), "192.168.1.127/25", "192.168.1.127/25 is the network's own or its broadcast address"},
		{"virtual address of IPv6", virtualAddress(), "fd00::1/64", ok},
		{"virtual address of IPv6 alone", virtualAddress(), "fe80::64", ok},
		{"of a point-to-point link of IPv6", virtualAddress(), "fd00::/127", ok},
		{"virtual address of routers", virtualAddress(), "fd00::/64", "fd00::/64 is the address of all routers of its subnet"},
		{"virtual address in disguise", virtualAddress(), "::ffff:10.0.0.1", "::ffff:10.0.0.1 is IPv4 in IPv6"},
		{"virtual address with a zone", virtualAddress(), "fe80::1%eth0", `"fe80::1%eth0" has a zone, which the interface says already`},

		{"peer", peerAddress(), "2001:db8::12", ok},
		{"link-local peer", peerAddress(), "fe80::12", "fe80::12 is link-local, and adverts to peers leave from a global address"},
		{"peer in disguise", peerAddress(), "::ffff:10.0.0.1", "::ffff:10.0.0.1 is IPv4 in IPv6"},

		{"server", serverAddress(), "[fd00::1]:443", ok},
		{"server without port", serverAddress(), "10.0.0.1", `"10.0.0.1" has no port`},
		{"server of port 0", serverAddress(), "10.0.0.1:0", `"10.0.0.1:0" is no address and port`},
		{"server of no address", serverAddress(), "10.0.0.300:80", `"10.0.0.300:80" is no address and port`},
		{"server of IPv6 without brackets", serverAddress(), "fd00::1:443", `"fd00::1:443" is no address and port`},
		{"server with a name", serverAddress(), "Web_1.example-1.com.:80", ok},
		{"server with a short name", serverAddress(), "redis:6379", ok},
		{"server with a name and no port", serverAddress(), "web1.internal", `"web1.internal" has no port`},
		{"server with a name and port 0", serverAddress(), "web1.internal:0", `"web1.internal:0" has no port from 1 to 65535`},
		{"server with a name and a port too high", serverAddress(), "web1.internal:65536", `"web1.internal:65536" has no port from 1 to 65535`},
		{"server with a broken name", serverAddress(), "web-.internal:80", `"web-.internal:80" has no name that DNS could know`},
		{"server with an empty label", serverAddress(), "web..internal:80", `"web..internal:80" has no name that DNS could know`},
		{"server with a long label", serverAddress(), strings.Repeat("a", 64) + ":80", strconv.Quote(strings.Repeat("a", 48)+"...") + " has no name that DNS could know"},
		{"server with a long name", serverAddress(), strings.Repeat("a.", 127) + "a:80", strconv.Quote(strings.Repeat("a.", 24)+"...") + " has no name that DNS could know"},
		{"service", serverAddress(), "_http._tcp.web.internal", ok},
		{"service with a port", serverAddress(), "_http._tcp.web.internal:80", `"_http._tcp.web.internal:80" is a service, whose ports its records say`},
		{"service with a broken name", serverAddress(), "_http._tcp.web internal", `"_http._tcp.web internal" has no name that DNS could know`},
		{"nameserver", nameserverAddress(), "fd00::53", ok},
		{"nameserver with port", nameserverAddress(), "127.0.0.1:5353", ok},
		{"nameserver with port 0", nameserverAddress(), "127.0.0.1:0", `"127.0.0.1:0" is no IP address, and no IP address with a port`},
		{"nameserver with a name", nameserverAddress(), "dns.internal", `"dns.internal" is no IP address, and no IP address with a port`},
		{"nameserver anywhere", nameserverAddress(), "0.0.0.0", "0.0.0.0 is not the address of a host"},
		{"server anywhere", serverAddress(), "0.0.0.0:80", "0.0.0.0 is not the address of a host"},

		{"bind of a port", bindAddress(), ":80", ok},
		{"bind anywhere", bindAddress(), "[::]:80", ok},
		{"bind with no port", bindAddress(), "10.0.0.1", `"10.0.0.1" is no address to listen on`},
		{"bind of port 0", bindAddress(), ":0", `":0" is no address to listen on`},

		{"header", headerValue(), `max-age=31536000; includeSubDomains`, ok},
		{"header with a line break", headerValue(), "a\r\nb: c", `"a\r\nb: c" is no header value`},
		{"header name", headerName(), "X-Frame-Options", ok},
		{"header name with a colon", headerName(), "X:", `"X:" is no header name`},
		{"size", size("1", "1TiB"), "512", ok},
		{"size in KiB", size("1", "1TiB"), "64KiB", ok},
		{"most of a size", size("1", "1TiB"), "1024GiB", ok},
		{"size too large", size("1", "1TiB"), "1025GiB", "1025GiB is out of range"},
		{"size beyond any number", size("1", "1TiB"), "9999999999TiB", `"9999999999TiB" is no size`},
		{"size of none", size("1", "1TiB"), "0", "0 is out of range"},
		{"size in another unit", size("1", "1TiB"), "10MB", `"10MB" is no size`},
		{"size with a fraction", size("1", "1TiB"), "1.5KiB", `"1.5KiB" is no size`},
		{"size below 0", size("1", "1TiB"), "-1", `"-1" is no size`},
		{"unit alone", size("1", "1TiB"), "KiB", `"KiB" is no size`},
		{"path of a file", filePath(), "/etc/tandem", ok},
		{"relative path", filePath(), "etc/tandem", `"etc/tandem" is no absolute path`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.typ.fault(tt.text); got != tt.want {
				t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}
