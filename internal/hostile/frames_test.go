package hostile

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/net/http2/hpack"
)

// HTTP/2 by hand: what is malformed no library would write.

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

const (
	frameData         = 0
	frameHeaders      = 1
	frameRST          = 3
	frameSettings     = 4
	framePing         = 6
	frameGoAway       = 7
	frameWindowUpdate = 8
	frameContinuation = 9

	flagEnd        = 1 // END_STREAM, and ACK of SETTINGS and PING
	flagEndHeaders = 4
	flagPadded     = 8
	flagPriority   = 32
)

// frame writes a frame (RFC 9113 section 4.1).
func frame(kind, flags byte, stream uint32, payload string) string {
	n := len(payload)
	head := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	return string(binary.BigEndian.AppendUint32(head, stream)) + payload
}

// hpackInt writes an integer after a prefix of bits (RFC 7541 section 5.1).
func hpackInt(first byte, bits, n int) string {
	most := 1<<bits - 1
	if n < most {
		return string([]byte{first | byte(n)})
	}
	b := []byte{first | byte(most)}
	for n -= most; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return string(append(b, byte(n)))
}

// block writes fields as literals without a table and without Huffman's code (RFC 7541 section 6.2.2), whatever is in them.
func block(fields []field) string {
	var b strings.Builder
	for _, f := range fields {
		b.WriteString("\x00" + hpackInt(0, 7, len(f.name)) + f.name + hpackInt(0, 7, len(f.value)) + f.value)
	}
	return b.String()
}

// headers writes a field block in frames of 16 KB.
func headers(stream uint32, fields []field, end bool) string {
	rest, kind, flags := block(fields), byte(frameHeaders), byte(0)
	if end {
		flags = flagEnd
	}
	var b strings.Builder
	for len(rest) > 16<<10 {
		b.WriteString(frame(kind, flags, stream, rest[:16<<10]))
		rest, kind, flags = rest[16<<10:], frameContinuation, 0
	}
	return b.String() + frame(kind, flags|flagEndHeaders, stream, rest)
}

// peer reads the frames of the other side and answers those that have to be.
type peer struct {
	conn    net.Conn
	buf     string
	decoder *hpack.Decoder
	block   string // a field block that is arriving
	client  bool
}

func newPeer(conn net.Conn, client bool) *peer {
	return &peer{conn: conn, decoder: hpack.NewDecoder(4096, nil), client: client}
}

// arrived is what a frame has brought.
type arrived struct {
	kind   byte
	stream uint32
	fields []field
	data   string
	end    bool // of the stream
}

func (p *peer) write(s string) { _, _ = io.WriteString(p.conn, s) } // a peer that is gone shows in what is read

// fill reads until n octets are there.
func (p *peer) fill(n int) error {
	buf := make([]byte, 64<<10)
	for len(p.buf) < n {
		m, err := p.conn.Read(buf)
		p.buf += string(buf[:m])
		if err != nil && len(p.buf) < n {
			return err
		}
	}
	return nil
}

// next returns the next frame that says something about a stream or the end.
func (p *peer) next(limit time.Duration) (arrived, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(limit))
	for {
		if err := p.fill(9); err != nil {
			return arrived{}, err
		}
		n := int(p.buf[0])<<16 | int(p.buf[1])<<8 | int(p.buf[2])
		kind, flags, stream := p.buf[3], p.buf[4], binary.BigEndian.Uint32([]byte(p.buf[5:9]))
		if err := p.fill(9 + n); err != nil {
			return arrived{}, err
		}
		payload := p.buf[9 : 9+n]
		p.buf = p.buf[9+n:]
		a := arrived{kind: kind, stream: stream, end: flags&flagEnd != 0}
		switch kind {
		case frameSettings:
			if flags&flagEnd == 0 {
				p.write(frame(frameSettings, flagEnd, 0, ""))
			}
		case framePing:
			if flags&flagEnd == 0 {
				p.write(frame(framePing, flagEnd, 0, payload))
			}
		case frameData:
			a.data = unpadded(payload, flags)
			return a, nil
		case frameHeaders, frameContinuation:
			p.block += unpadded(payload, flags)
			if flags&flagEndHeaders == 0 {
				continue
			}
			fields, err := p.decoder.DecodeFull([]byte(p.block))
			p.block = ""
			for _, f := range fields {
				a.fields = append(a.fields, field{f.Name, f.Value})
			}
			a.kind = frameHeaders
			return a, err
		case frameRST, frameGoAway:
			return a, nil
		}
	}
}

// unpadded takes padding and priority off.
func unpadded(payload string, flags byte) string {
	if flags&flagPadded != 0 && payload != "" {
		pad := int(payload[0])
		payload = payload[1:max(len(payload)-pad, 1)]
	}
	if flags&flagPriority != 0 && len(payload) >= 5 {
		payload = payload[5:]
	}
	return payload
}

// errRefused says that the stream or the connection was ended.
var errRefused = errors.New("refused")

// response reads frames up to the end of a response on the stream.
func (p *peer) response(stream uint32, limit time.Duration) (m message, err error) {
	for end := time.Now().Add(limit); ; {
		a, err := p.next(time.Until(end))
		switch {
		case err != nil:
			return m, err
		case a.kind == frameGoAway, a.kind == frameRST && a.stream == stream && !m.complete:
			return m, errRefused
		case a.stream != stream:
			continue
		}
		if a.kind == frameHeaders && !m.headed {
			m.fields = a.fields
			m.status = statusOfFields(a.fields)
			m.headed = m.status >= 200
		}
		m.body += a.data
		if m.headed && a.end {
			m.complete = true
			return m, nil
		}
	}
}

func statusOfFields(fields []field) int {
	n := 0
	for _, f := range fields {
		if f.name == ":status" {
			for _, c := range f.value {
				n = n*10 + int(c-'0')
			}
		}
	}
	return n
}
