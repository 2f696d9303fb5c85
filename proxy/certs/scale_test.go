package certs

import (
	"crypto/tls"
	"fmt"
	"os"
	"testing"
	"time"
)

// manyCertificates writes n bundles of ECDSA certificates, with one wildcard and one other name each, and returns their directory.
func manyCertificates(tb testing.TB, n int) string {
	tb.Helper()
	dir := tb.TempDir()
	root := newAuthority(tb, nil, "root")
	lower := newAuthority(tb, root, "lower")
	for i := range n {
		c := lower.issue(tb, ecKey(tb), fmt.Sprintf("www.%d.example", i), fmt.Sprintf("*.%d.example", i))
		bundle(tb, dir, fmt.Sprintf("%05d.pem", i), c, lower.cert)
	}
	return dir
}

// modern is what a client of today offers.
func modern(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName:        name,
		CipherSuites:      []uint16{tls.TLS_AES_128_GCM_SHA256},
		SupportedVersions: []uint16{tls.VersionTLS13},
		SignatureSchemes:  []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves:   []tls.CurveID{tls.CurveP256},
	}
}

// Choosing a certificate costs the same among ten and among ten thousand.
func BenchmarkGetCertificate(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		s, err := Load(Bundles(manyCertificates(b, n)))
		if err != nil {
			b.Fatal(err)
		}
		get := serving(s, Config{}).GetCertificate
		for _, name := range []string{fmt.Sprintf("www.%d.example", n/2), fmt.Sprintf("a.%d.example", n/2), "unknown.example"} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				hello := modern(name)
				b.ReportAllocs()
				for b.Loop() {
					if c, err := get(hello); c == nil || err != nil {
						b.Fatal("no certificate")
					}
				}
			})
		}
	}
}

// Ten thousand certificates: read for the first time, looked at without a change, and with one of them renewed.
func BenchmarkTenThousand(b *testing.B) {
	dir := manyCertificates(b, 10000)
	paths := Bundles(dir)
	unknown := func(Path) *file { return nil }
	now := time.Now().Add(time.Hour) // when the files are not fresh any more
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			if err := load(paths, nil, unknown, now).err(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		l := load(paths, nil, unknown, now)
		for b.Loop() {
			if load(paths, l, l.file, now) != l {
				b.Fatal("something has changed")
			}
		}
	})
	b.Run("one renewed", func(b *testing.B) {
		l := load(paths, nil, unknown, now)
		for b.Loop() {
			if err := os.Chtimes(dir+"/00007.pem", now, now); err != nil {
				b.Fatal(err)
			}
			next := load(paths, l, l.file, now)
			if next == l {
				b.Fatal("nothing has changed")
			}
			l = next
		}
	})
}

// A handshake allocates nothing for the choice where a name has one certificate.
func TestChoiceAllocatesNothing(t *testing.T) {
	root := newAuthority(t, nil, "root")
	s := store(t, root.issue(t, ecKey(t), "example.net"), root.issue(t, ecKey(t), "*.example.com"))
	get := serving(s, Config{}).GetCertificate
	for _, name := range []string{"a.example.com", "example.net", "unknown.example", ""} {
		hello := modern(name)
		if n := testing.AllocsPerRun(100, func() { _, _ = get(hello) }); n != 0 {
			t.Errorf("%s: got %v allocations, want none", name, n)
		}
	}
}
