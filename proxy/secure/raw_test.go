package secure

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// raw is one direction of a connection whose keys are known, to send what crypto/tls never would. It speaks AES-128-GCM with SHA-256.
type raw struct {
	version uint16
	secret  []byte // of TLS 1.3
	aead    cipher.AEAD
	iv      []byte
	seq     uint64
}

// expand is HKDF-Expand-Label of RFC 8446 section 7.1, without a context.
func expand(t testing.TB, secret []byte, label string, n int) []byte {
	t.Helper()
	info := []byte{byte(n >> 8), byte(n), byte(len("tls13 ") + len(label))}
	info = append(append(append(info, "tls13 "...), label...), 0)
	out, err := hkdf.Expand(sha256.New, secret, string(info), n)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func gcm(t testing.TB, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

// rekey sets the secret of TLS 1.3.
func (r *raw) rekey(t testing.TB, secret []byte) {
	t.Helper()
	*r = raw{version: tls.VersionTLS13, secret: secret, aead: gcm(t, expand(t, secret, "key", 16)), iv: expand(t, secret, "iv", 12)}
}

// update goes on to the next secret: RFC 8446 section 7.2.
func (r *raw) update(t testing.TB) { r.rekey(t, expand(t, r.secret, "traffic upd", 32)) }

func (r *raw) nonce() []byte {
	n := bytes.Clone(r.iv)
	for i, b := range binary.BigEndian.AppendUint64(nil, r.seq) {
		n[4+i] ^= b
	}
	r.seq++
	return n
}

// seal makes a record.
func (r *raw) seal(typ byte, data []byte) []byte {
	if r.version == tls.VersionTLS12 { // RFC 5288 section 3
		seq := binary.BigEndian.AppendUint64(nil, r.seq)
		r.seq++
		ad := append(bytes.Clone(seq), typ, 3, 3, byte(len(data)>>8), byte(len(data)))
		n := len(data) + 8 + 16
		record := append([]byte{typ, 3, 3, byte(n >> 8), byte(n)}, seq...)
		return r.aead.Seal(record, append(bytes.Clone(r.iv), seq...), data, ad)
	}
	n := len(data) + 1 + 16
	record := []byte{23, 3, 3, byte(n >> 8), byte(n)}
	return r.aead.Seal(record, r.nonce(), append(bytes.Clone(data), typ), record)
}

// open takes the first record of b apart.
func (r *raw) open(t testing.TB, b []byte) (typ byte, data, rest []byte) {
	t.Helper()
	if !wholeRecord(b) {
		t.Fatalf("no record in %x", b)
	}
	n := recordLen(b)
	data, err := r.aead.Open(nil, r.nonce(), b[headerLen:n], b[:headerLen])
	if err != nil {
		t.Fatalf("open a record of %d bytes: %v", n, err)
	}
	return data[len(data)-1], data[:len(data)-1], b[n:]
}

// secrets are what a KeyLogWriter got: label to the values after it.
func secrets(t testing.TB, log string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for line := range strings.Lines(log) {
		var label, random, secret string
		if _, err := fmt.Sscan(line, &label, &random, &secret); err != nil {
			t.Fatal(err)
		}
		all[label], _ = hex.DecodeString(secret)
		all["random"], _ = hex.DecodeString(random)
	}
	return all
}

// rawPeer is a Conn after its handshake, with both directions of its other side. blind: without a look inside crypto/tls.
func rawPeer(t testing.TB, version uint16, server, blind bool) (s *side, from, to *raw) {
	t.Helper()
	var log bytes.Buffer
	a, b := configs(t)
	a.SessionTicketsDisabled = true
	b.MaxVersion = version
	b.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	b.KeyLogWriter = &log
	x, y := start(t, Server(a, &FreeList{})), startLogged(t, Client(b, &FreeList{}))
	shake(x, y, 1<<20)
	if x.err != nil || y.err != nil || !x.done || !y.done {
		t.Fatalf("handshake: server %v, client %v", x.err, y.err)
	}
	if got := y.Info().CipherSuite; got != tls.TLS_AES_128_GCM_SHA256 && got != tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 {
		t.Skipf("this processor prefers %s", tls.CipherSuiteName(got))
	}
	keys := secrets(t, log.String())
	client, serve := &raw{}, &raw{}
	if version == tls.VersionTLS13 {
		client.rekey(t, keys["CLIENT_TRAFFIC_SECRET_0"])
		serve.rekey(t, keys["SERVER_TRAFFIC_SECRET_0"])
	} else {
		// RFC 5246 section 6.3; the server's random stands in its hello, after two headers and a version.
		seed := append(append([]byte("key expansion"), x.sent[11:43]...), keys["random"]...)
		block := prf(keys["CLIENT_RANDOM"], seed, 40)
		*client = raw{version: version, aead: gcm(t, block[:16]), iv: block[32:36], seq: 1} // after Finished
		*serve = raw{version: version, aead: gcm(t, block[16:32]), iv: block[36:40], seq: 1}
	}
	s, from, to = x, serve, client
	if !server {
		s, from, to = y, client, serve
	}
	if blind {
		s.inside = inside{}
	}
	return s, from, to
}

// prf is P_SHA256 of RFC 5246 section 5.
func prf(secret, seed []byte, n int) (out []byte) {
	mac := func(b ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write(bytes.Join(b, nil))
		return h.Sum(nil)
	}
	for a := mac(seed); len(out) < n; a = mac(a) {
		out = append(out, mac(a, seed)...)
	}
	return out[:n]
}
