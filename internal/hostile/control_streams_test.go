package hostile

import (
	"net"
	"strings"
	"testing"
	"time"
)

// startTranslator starts a proxy that writes the fields of HTTP/2 as lines of HTTP/1, as they come.
func startTranslator(t *testing.T) subject {
	t.Helper()
	s := subject{name: "a careless translator", lanes: newLanes(t)}
	for _, l := range s.lanes {
		l.limit = time.Second
		l.dialH2 = tcp(serveConns(t, func(conn net.Conn) { translate(conn, l.origin.address()) }))
	}
	return s
}

// translate serves a connection of HTTP/2, one request after another.
func translate(conn net.Conn, server string) {
	p := newPeer(conn, false)
	if p.fill(len(preface)) != nil {
		return
	}
	p.buf = p.buf[len(preface):]
	p.write(frame(frameSettings, 0, 0, ""))
	asked := map[uint32]*arrived{}
	for {
		a, err := p.next(patience)
		if err != nil || a.kind == frameGoAway {
			return
		}
		whole := asked[a.stream]
		if whole == nil {
			whole = &a
			asked[a.stream] = whole
		} else {
			whole.data += a.data
			whole.fields = append(whole.fields, a.fields...)
		}
		if a.end {
			p.answer(whole, server)
		}
	}
}

// careless writes a request without a thought.
func careless(a *arrived) (text, method string) {
	pseudos := map[string]string{}
	var lines strings.Builder
	framed := false
	for _, f := range a.fields {
		if strings.HasPrefix(f.name, ":") {
			pseudos[f.name] = f.value
			continue
		}
		framed = framed || strings.EqualFold(f.name, "content-length") || strings.EqualFold(f.name, "transfer-encoding")
		lines.WriteString(f.name + ": " + f.value + "\r\n")
	}
	if !framed {
		lines.WriteString("content-length: " + itoa(len(a.data)) + "\r\n")
	}
	if host, ok := pseudos[":authority"]; ok {
		lines.WriteString("host: " + host + "\r\n")
	}
	return pseudos[":method"] + " " + pseudos[":path"] + " HTTP/1.1\r\n" + lines.String() + "\r\n" + a.data, pseudos[":method"]
}

// answer asks the server and passes on what it says.
func (p *peer) answer(a *arrived, server string) {
	conn, err := net.Dial("tcp4", server)
	if err != nil {
		return
	}
	c := newClient(conn, time.Second)
	defer c.close()
	text, method := careless(a)
	c.send(text)
	c.until(c.limit, func() bool { return len(c.finals(method)) == 1 })
	status, body := "502", ""
	fields := []field{{":status", ""}}
	if all := c.finals(method); len(all) == 1 {
		status, body = itoa(all[0].status), all[0].body
		fields = append(fields, field{"x-origin", "yes"})
	}
	fields[0].value = status
	p.write(headers(a.stream, fields, false) + frame(frameData, flagEnd, a.stream, body))
}
