package proxytest

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// The frames that tests send and look for, by their type (RFC 9113 section 6).
const (
	dataFrame         = 0x0
	headersFrame      = 0x1
	rstFrame          = 0x3
	settingsFrame     = 0x4
	pingFrame         = 0x6
	goAwayFrame       = 0x7
	windowUpdateFrame = 0x8
	continuationFrame = 0x9
)

// http2Preface is what a client begins with: the preface, and SETTINGS that say nothing.
const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"

// getBlock is a field block: GET / of http://a.
const getBlock = "\x82\x86\x84\x01\x01a"

// h2Frame is a frame.
type h2Frame struct {
	kind, flags byte
	stream      uint32
	payload     string
}

// frame writes one.
func frame(kind, flags byte, stream uint32, payload string) string {
	b := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return string(binary.BigEndian.AppendUint32(b, stream)) + payload
}

func uint32Text(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

// number is the one that begins at an octet of the payload.
func (f *h2Frame) number(at int) uint32 { return binary.BigEndian.Uint32([]byte(f.payload[at:])) }

// connect opens a connection that says what it is told to.
func (s *http2Site) connect(t *testing.T, address string) *client {
	t.Helper()
	if !s.secure {
		return dial(t, address)
	}
	config := &tls.Config{RootCAs: s.trusted, ServerName: "www.example.com", NextProtos: []string{"h2"}}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp4", address, config)
	if err != nil {
		t.Fatal(err)
	}
	return clientOn(t, conn)
}

// frame reads a frame.
func (c *client) frame() (f h2Frame, err error) {
	var head [9]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return f, err
	}
	b := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(c.r, b)
	return h2Frame{head[3], head[4], binary.BigEndian.Uint32(head[5:]), string(b)}, err
}

// await reads frames until there is one of that type.
func (c *client) await(kind byte) h2Frame {
	c.t.Helper()
	for {
		f, err := c.frame()
		if err != nil {
			c.t.Fatalf("no frame of type %d came: %v", kind, err)
		}
		if f.kind == kind {
			return f
		}
	}
}

// ends reads frames until the connection has been closed, and returns the last GOAWAY.
func (c *client) ends() (last h2Frame) {
	c.t.Helper()
	for {
		f, err := c.frame()
		switch {
		case err != nil && isTimeout(err):
			c.t.Fatal("the connection is open")
		case err != nil:
			return last
		case f.kind == goAwayFrame:
			last = f
		}
	}
}
