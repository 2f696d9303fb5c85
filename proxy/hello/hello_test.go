package hello_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/hello"
)

// greeting is what crypto/tls says first to a server of that name; empty: to an address.
func greeting(t testing.TB, name string) []byte {
	t.Helper()
	client, server := net.Pipe()
	config := &tls.Config{ServerName: name, InsecureSkipVerify: name == ""}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tls.Client(client, config).Handshake() // which nobody answers
	}()
	b := make([]byte, hello.Most)
	n, err := server.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	_ = server.Close()
	<-done
	return b[:n]
}

// fragment cuts the message of one record into records of so many octets.
func fragment(b []byte, size int) []byte {
	var all []byte
	for body := b[5:]; len(body) > 0; {
		n := min(size, len(body))
		all = append(append(all, 22, 3, 1, byte(n>>8), byte(n)), body[:n]...)
		body = body[n:]
	}
	return all
}

func TestServerName(t *testing.T) {
	plain, nameless := greeting(t, "db.example.com"), greeting(t, "")
	cut := func(at int, with string) []byte { return append(bytes.Clone(plain[:at]), with...) }
	for _, tt := range []struct {
		name string
		b    []byte
		want string
		err  error
	}{
		{"as it is", plain, "db.example.com", nil},
		{"with what follows", append(bytes.Clone(plain), "more"...), "db.example.com", nil},
		{"in records of 1 octet", fragment(plain, 1), "db.example.com", nil},
		{"in records of 100 octets", fragment(plain, 100), "db.example.com", nil},
		{"to an address", nameless, "", nil},
		{"without extensions", []byte("\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03" + strings.Repeat("r", 32) + "\x00\x00\x02\x13\x01\x01\x00"), "", nil},
		{"HTTP", []byte("GET / HTTP/1.1\r\n"), "", hello.NotTLS},
		{"PostgreSQL", []byte("\x00\x00\x00\x08\x04\xd2\x16\x2f"), "", hello.NotTLS},
		{"SSL 2", []byte("\x80\x2e\x01"), "", hello.NotTLS},
		{"an alert", []byte("\x15\x03\x01\x00\x02\x01\x00"), "", hello.NotTLS},
		{"a handshake of version 4", []byte("\x16\x04\x01\x00\x02\x01\x00"), "", hello.NotTLS},
		{"another message", []byte("\x16\x03\x01\x00\x04\x02\x00\x00\x00"), "", hello.NotTLS},
		{"an empty record", []byte("\x16\x03\x01\x00\x00"), "", hello.NotTLS},
		{"a record that is too large", []byte("\x16\x03\x01\x40\x01"), "", hello.NotTLS},
		{"a message that is too large", []byte("\x16\x03\x01\x01\x00\x01\x00\x40\x01"), "", hello.TooLarge},
		{"another record in its midst", append(fragment(plain[:105], 50), "\x17\x03\x01"...), "", hello.Malformed},
		{"cut short within", cut(5, "\x01\x00\x00\x02\x03\x03"), "", hello.Malformed},
		{"a name with a blank", bytes.Replace(plain, []byte("db.example.com"), []byte("db example.com"), 1), "", hello.Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, done, err := hello.ServerName(tt.b)
			if got != tt.want || err != tt.err || !done {
				t.Errorf("got %q, %v, %v, want %q, true, %v", got, done, err, tt.want, tt.err)
			}
		})
	}
}

// Wherever it is cut, more is waited for until the last octet.
func TestServerNameInPieces(t *testing.T) {
	for _, b := range [][]byte{greeting(t, "db.example.com"), fragment(greeting(t, "db.example.com"), 7)} {
		for n := range b {
			if name, done, err := hello.ServerName(b[:n]); name != "" || done || err != nil {
				t.Fatalf("of %d octets %d are there: got %q, %v, %v", len(b), n, name, done, err)
			}
		}
	}
}

// Nobody has to be listened to for ever.
func TestServerNameIsBounded(t *testing.T) {
	b := bytes.Repeat([]byte("\x16\x03\x01\x00\x01\x00"), hello.Most)
	copy(b[5:], "\x01") // a ClientHello
	if _, done, err := hello.ServerName(b[:hello.Most]); !done || err == nil {
		t.Errorf("got done %v, %v", done, err)
	}
	long := fragment(append([]byte("\x16\x03\x01\x00\x00\x01\x00\x3f\xff"), make([]byte, hello.Most)...), 1)
	if _, done, err := hello.ServerName(long[:hello.Most]); !done || err != hello.TooLarge {
		t.Errorf("got done %v, %v, want %v", done, err, hello.TooLarge)
	}
}

func FuzzServerName(f *testing.F) {
	for _, name := range []string{"", "db.example.com", "a"} {
		f.Add(greeting(f, name))
		f.Add(fragment(greeting(f, name), 9))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		name, done, err := hello.ServerName(b)
		if (name != "" || err != nil) && !done || name != "" && err != nil || len(name) > 255 {
			t.Fatalf("got %q, %v, %v", name, done, err)
		}
		if !done {
			return
		}
		if again, still, _ := hello.ServerName(append(b, 0)); again != name || !still { // what follows is of no matter
			t.Fatalf("got %q, %v with more behind it, %q without", again, still, name)
		}
	})
}

// crypto/tls reads the same name.
func TestSameAsTheLibrary(t *testing.T) {
	for _, name := range []string{"a.example", "xn--bcher-kva.example", strings.Repeat("a.", 100) + "example"} {
		if got, _, err := hello.ServerName(greeting(t, name)); got != name || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, name)
		}
	}
}
