package proxyproto_test

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/proxyproto"
)

const v2 = "\r\n\r\n\x00\r\nQUIT\n"

// bytesOf reads octets in hexadecimal.
func bytesOf(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	a4, z4 := netip.MustParseAddrPort("192.0.2.1:51234"), netip.MustParseAddrPort("192.0.2.80:443")
	a6, z6 := netip.MustParseAddrPort("[2001:db8::1]:51234"), netip.MustParseAddrPort("[2001:db8::80]:443")
	text := func(s string) []byte { return []byte(s) }
	for _, tt := range []struct {
		name string
		b    []byte
		want proxyproto.Header
		err  error
	}{
		{"1, IPv4", text("PROXY TCP4 192.0.2.1 192.0.2.80 51234 443\r\n"), proxyproto.Header{Version: 1, Source: a4, Destination: z4}, nil},
		{"1, IPv6", text("PROXY TCP6 2001:db8::1 2001:db8::80 51234 443\r\n"), proxyproto.Header{Version: 1, Source: a6, Destination: z6}, nil},
		{"1, IPv4 in IPv6", text("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.80 51234 443\r\n"), proxyproto.Header{Version: 1, Source: a4, Destination: z4}, nil},
		{"1, unknown", text("PROXY UNKNOWN\r\n"), proxyproto.Header{Version: 1}, nil},
		{"1, unknown with more", text("PROXY UNKNOWN ffff:f...f:ffff 65535\r\n"), proxyproto.Header{Version: 1}, nil},
		{"1, the longest", text("PROXY UNKNOWN " + strings.Repeat("f", 91) + "\r\n"), proxyproto.Header{Version: 1}, nil},
		{"1, too long", text("PROXY UNKNOWN " + strings.Repeat("f", 92) + "\r\n"), proxyproto.Header{}, proxyproto.TooLarge},
		{"1, without end", text("PROXY " + strings.Repeat("f", 101)), proxyproto.Header{}, proxyproto.TooLarge},
		{"1, another family", text("PROXY UDP4 192.0.2.1 192.0.2.80 51234 443\r\n"), proxyproto.Header{}, proxyproto.Malformed},
		{"1, the wrong family", text("PROXY TCP6 192.0.2.1 192.0.2.80 51234 443\r\n"), proxyproto.Header{}, proxyproto.Malformed},
		{"1, two families", text("PROXY TCP4 192.0.2.1 2001:db8::80 51234 443\r\n"), proxyproto.Header{}, proxyproto.Malformed},
		{"1, a zone", text("PROXY TCP6 fe80::1%eth0 fe80::2 51234 443\r\n"), proxyproto.Header{}, proxyproto.Malformed},
		{"1, a port with a zero", text("PROXY TCP4 192.0.2.1 192.0.2.80 051234 443\r\n"), proxyproto.Header{}, proxyproto.Malformed},
		{"1, a port too large", text("PROXY TCP4 192.0.2.1 192.0.2.80 65536 443\r\n"), proxyproto.Header{}, proxyproto.Malformed},
		{"1, a port with a sign", text("PROXY TCP4 192.0.2.1 192.0.2.80 +1 443\r\n"), proxyproto.Header{}, proxyproto.Malformed},
		{"1, an octet with a zero", text("PROXY TCP4 192.0.02.1 192.0.2.80 51234 443\r\n"), proxyproto.Header{}, proxyproto.Malformed},
		{"1, two blanks", text("PROXY TCP4  192.0.2.1 192.0.2.80 51234 443\r\n"), proxyproto.Header{}, proxyproto.Malformed},
		{"1, too few words", text("PROXY TCP4 192.0.2.1 192.0.2.80 51234\r\n"), proxyproto.Header{}, proxyproto.Malformed},
		{"1, small letters", text("proxy TCP4 192.0.2.1 192.0.2.80 51234 443\r\n"), proxyproto.Header{}, proxyproto.Absent},

		{"2, IPv4", append(text(v2), bytesOf(t, "21 11 000c c0000201 c0000250 c822 01bb")...), proxyproto.Header{Version: 2, Source: a4, Destination: z4}, nil},
		{"2, IPv6", append(text(v2), bytesOf(t, "21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000080 c822 01bb")...),
			proxyproto.Header{Version: 2, Source: a6, Destination: z6}, nil},
		{"2, with more", append(text(v2), bytesOf(t, "21 11 0013 c0000201 c0000250 c822 01bb 02 0004 61626364")...), proxyproto.Header{Version: 2, Source: a4, Destination: z4}, nil},
		{"2, local", append(text(v2), bytesOf(t, "20 00 0000")...), proxyproto.Header{Version: 2}, nil},
		{"2, local with addresses", append(text(v2), bytesOf(t, "20 11 000c c0000201 c0000250 c822 01bb")...), proxyproto.Header{Version: 2}, nil},
		{"2, local of no family", append(text(v2), bytesOf(t, "20 77 0001 00")...), proxyproto.Header{Version: 2}, nil},
		{"2, unspecified", append(text(v2), bytesOf(t, "21 00 0000")...), proxyproto.Header{Version: 2}, nil},
		{"2, unix", append(append(text(v2), bytesOf(t, "21 31 00d8")...), make([]byte, 216)...), proxyproto.Header{Version: 2}, nil},
		{"2, of datagrams", append(text(v2), bytesOf(t, "21 12 000c c0000201 c0000250 c822 01bb")...), proxyproto.Header{}, proxyproto.Malformed},
		{"2, addresses cut short", append(text(v2), bytesOf(t, "21 11 000b c0000201 c0000250 c822 01")...), proxyproto.Header{}, proxyproto.Malformed},
		{"2, another command", append(text(v2), bytesOf(t, "22 11 000c c0000201 c0000250 c822 01bb")...), proxyproto.Header{}, proxyproto.Malformed},
		{"2, version 1", append(text(v2), bytesOf(t, "11")...), proxyproto.Header{}, proxyproto.Malformed},
		{"2, too large", append(text(v2), bytesOf(t, "21 11 0bf1")...), proxyproto.Header{}, proxyproto.TooLarge},

		{"HTTP", text("GET / HTTP/1.1\r\n"), proxyproto.Header{}, proxyproto.Absent},
		{"HTTP after an empty line", text("\r\nGET / HTTP/1.1\r\n"), proxyproto.Header{}, proxyproto.Absent},
		{"POST", text("P"), proxyproto.Header{}, nil}, // or PROXY
		{"TLS", text("\x16\x03\x01"), proxyproto.Header{}, proxyproto.Absent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, n, err := proxyproto.Parse(tt.b)
			if got != tt.want || err != tt.err {
				t.Fatalf("got %+v, %v, want %+v, %v", got, err, tt.want, tt.err)
			}
			if tt.want.Version == 0 {
				return
			}
			if n != len(tt.b) {
				t.Errorf("got a length of %d, want %d", n, len(tt.b))
			}
			for cut := range tt.b {
				if h, n, err := proxyproto.Parse(tt.b[:cut]); h != (proxyproto.Header{}) || n != 0 || err != nil {
					t.Fatalf("of %d octets %d are there: got %+v, %d, %v", len(tt.b), cut, h, n, err)
				}
			}
			if again, m, err := proxyproto.Parse(append(bytes.Clone(tt.b), "more"...)); again != got || m != n || err != nil {
				t.Errorf("with more behind it: got %+v, %d, %v", again, m, err)
			}
		})
	}
}

func TestAppend(t *testing.T) {
	a4, z4 := netip.MustParseAddrPort("192.0.2.1:51234"), netip.MustParseAddrPort("192.0.2.80:443")
	a6, z6 := netip.MustParseAddrPort("[2001:db8::1]:51234"), netip.MustParseAddrPort("[2001:db8::80]:443")
	zoned := netip.MustParseAddrPort("[fe80::1%eth0]:1")
	for _, tt := range []struct {
		name string
		a, z netip.AddrPort
		v1   string
		v2   string
	}{
		{"IPv4", a4, z4, "PROXY TCP4 192.0.2.1 192.0.2.80 51234 443\r\n", "21 11 000c c0000201 c0000250 c822 01bb"},
		{"IPv6", a6, z6, "PROXY TCP6 2001:db8::1 2001:db8::80 51234 443\r\n",
			"21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000080 c822 01bb"},
		{"IPv4 in IPv6", netip.AddrPortFrom(netip.AddrFrom16(a4.Addr().As16()), a4.Port()), z4,
			"PROXY TCP4 192.0.2.1 192.0.2.80 51234 443\r\n", "21 11 000c c0000201 c0000250 c822 01bb"},
		{"both", a4, z6, "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::80 51234 443\r\n",
			"21 21 0024 00000000000000000000ffffc0000201 20010db8000000000000000000000080 c822 01bb"},
		{"a zone", zoned, a6, "PROXY TCP6 fe80::1 2001:db8::1 1 51234\r\n",
			"21 21 0024 fe800000000000000000000000000001 20010db8000000000000000000000001 0001 c822"},
		{"unknown", netip.AddrPort{}, z4, "PROXY UNKNOWN\r\n", "21 00 0000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(proxyproto.Append(nil, proxyproto.V1, tt.a, tt.z)); got != tt.v1 {
				t.Errorf("version 1: got %q, want %q", got, tt.v1)
			}
			if got, want := proxyproto.Append(nil, proxyproto.V2, tt.a, tt.z), append([]byte(v2), bytesOf(t, tt.v2)...); !bytes.Equal(got, want) {
				t.Errorf("version 2: got %x, want %x", got, want)
			}
		})
	}
	if got := string(proxyproto.AppendLocal(nil, proxyproto.V1)); got != "PROXY UNKNOWN\r\n" {
		t.Errorf("version 1 of a check: got %q", got)
	}
	if got := string(proxyproto.AppendLocal(nil, proxyproto.V2)); got != v2+"\x20\x00\x00\x00" {
		t.Errorf("version 2 of a check: got %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.1 192.0.2.80 51234 443\r\n"))
	f.Add([]byte("PROXY TCP6 2001:db8::1 2001:db8::80 51234 443\r\n"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Add(append([]byte(v2), bytesOf(f, "21 11 000c c0000201 c0000250 c822 01bb")...))
	f.Add(append([]byte(v2), bytesOf(f, "21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000080 c822 01bb")...))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := proxyproto.Parse(b)
		if n > len(b) || n > proxyproto.Most || (n > 0) != (h.Version != 0) || err != nil && n != 0 {
			t.Fatalf("got %+v, %d, %v", h, n, err)
		}
		if n == 0 {
			if err == nil && len(b) >= proxyproto.Most {
				t.Fatal("more than the most is waited for")
			}
			return
		}
		for _, v := range []proxyproto.Version{proxyproto.V1, proxyproto.V2} {
			again, _, err := proxyproto.Parse(proxyproto.Append(nil, v, h.Source, h.Destination))
			if err != nil || again.Source != h.Source || again.Destination != h.Destination {
				t.Fatalf("version %d: %+v became %+v, %v", v, h, again, err)
			}
		}
	})
}
