package beside

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
)

// echo says what it hears, in upper case, and when the other side has ended how many octets that were; then it ends.
func echo(v *visit) {
	n := 0
	for {
		b := make([]byte, 1024)
		m, err := v.r.Read(b)
		n += m
		v.say(strings.ToUpper(string(b[:m])))
		if err != nil {
			v.say("heard " + itoa(n))
			return
		}
	}
}

// greets speaks first, ends what it says, and hears what follows.
func greets(v *visit) {
	v.say("hello\n")
	_ = v.Conn.(*net.TCPConn).CloseWrite()
	b, _ := io.ReadAll(v.r) // how it ended is no matter
	v.s.hear(heard{message{line: "heard " + string(b)}, v.n})
}

// drops hears a line and resets the connection.
func drops(v *visit) {
	_, _ = v.r.ReadString('\n')
	_ = v.Conn.(*net.TCPConn).SetLinger(0)
}

// names says what the server is called when it has heard something.
func names(v *visit) {
	_, _ = v.Read(make([]byte, 4096)) // how it ends is no matter
	v.say(v.s.name)
}

// probed answers probes, and speaks raw with everybody else.
func probed(raw func(*visit)) func(*visit) {
	return func(v *visit) {
		if b, _ := v.r.Peek(1); string(b) == "G" {
			serving(ok)(v)
			return
		}
		raw(v)
	}
}

// hello is how a client begins TLS that asks for a name.
func hello(name string) string {
	here, there := net.Pipe()
	var all sync.WaitGroup
	all.Go(func() { _ = tls.Client(here, &tls.Config{ServerName: name}).Handshake() }) // it ends when the other end is closed
	b := make([]byte, 16<<10)
	n, _ := there.Read(b) // a client says it in one piece
	_ = there.Close()
	all.Wait()
	return string(b[:n])
}

// told hears what a balancer says of its client, and answers a request.
func told(v *visit) {
	b, err := v.r.Peek(12)
	if err != nil {
		return
	}
	if string(b) == "\r\n\r\n\x00\r\nQUIT\n" {
		head := make([]byte, 16)
		if _, err := io.ReadFull(v.r, head); err != nil {
			return
		}
		rest := make([]byte, int(head[14])<<8|int(head[15]))
		if _, err := io.ReadFull(v.r, rest); err != nil {
			return
		}
		v.s.hear(heard{message{line: "version 2, command " + itoa(int(head[12])) + ", family " + itoa(int(head[13])) + ", from " + net.IP(rest[:4]).String() + " to " + net.IP(rest[4:8]).String() + ", " + itoa(len(rest)) + " octets"}, v.n})
	} else {
		line, _ := v.r.ReadString('\n')
		v.s.hear(heard{message{line: strings.Join(strings.Fields(line)[:4], " ")}, v.n}) // without ports
	}
	serving(ok)(v)
}

// streams are exams of TCP mode and of the PROXY protocol.
func streams() area {
	tcp := func(back, haproxy string) site {
		return site{&words{front: "mode: tcp", back: "mode: tcp\n" + back}, &words{front: "mode tcp", back: "mode tcp\n" + haproxy}, nil}
	}
	byName := site{
		&words{front: "mode: tcp\nrules: [{match: {sni: b.test}, backend: @b@two}]", back: "mode: tcp", more: "- {name: @b@two, mode: tcp, servers: [{name: s2, address: \"@s2@\"}]}"},
		&words{front: "mode tcp\ntcp-request inspect-delay 2s\ntcp-request content accept if { req_ssl_hello_type 1 }\ntcp-request content accept if !{ req_ssl_hello_type 1 } { req_len gt 5 }\nuse_backend @b@two if { req_ssl_sni -i b.test }", back: "mode tcp", more: "backend @b@two\nmode tcp\nserver s2 @s2@"}, nil,
	}
	speaks := func(text string) func(*talk) {
		return func(t *talk) {
			t.send(text)
			t.half()
			t.rest()
		}
	}
	proxied := site{
		&words{bind: ", accept_proxy: true, trusted_proxies: [127.0.0.0/8]", back: "forwarded: {x_forwarded_for: replace, x_forwarded_proto: false, x_real_ip: false}"},
		&words{bind: "accept-proxy", front: "http-request set-header X-Forwarded-For %[src]"},
		&words{bind: "proxy_protocol", front: "proxy_set_header X-Forwarded-For $proxy_protocol_addr;\nproxy_set_header Host $http_host;\nproxy_set_header Connection \"\";"},
	}
	tells := func(version, haproxy string) site {
		return site{&words{back: "servers: [{name: s1, address: \"@s1@\", send_proxy: " + version + "}]"}, &words{back: "server s1 @s1@ " + haproxy}, nil}
	}
	const version2 = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x03\xe8\x00\x50"
	rest := func(text string) func(*talk) {
		return func(t *talk) {
			t.send(text)
			t.reads("GET")
		}
	}
	return area{"TCP and the PROXY protocol", []exam{
		{name: "octets both ways", proves: "R66", site: tcp("", ""), raw: echo, do: func(t *talk) {
			t.send("one\n")
			t.octets(4)
			t.send("two\n")
			t.octets(4)
		}},
		{name: "the client ends first", proves: "R66", site: tcp("", ""), raw: echo, do: speaks("hello")},
		{name: "the server ends first", proves: "R66", site: tcp("", ""), raw: greets, do: func(t *talk) {
			t.dial()
			t.rest()
			t.send("later")
			t.half()
			t.awaits("s1")
		}},
		{name: "the server resets", proves: "R66", site: tcp("", ""), raw: drops, do: func(t *talk) { t.send("hello\n"); t.rest() }},
		{name: "no server to connect to", proves: "R66", site: tcp("retries: 0\nservers: [{name: s1, address: \"@dead@\"}]", "retries 0\nserver s1 @dead@"), do: func(t *talk) { t.dial(); t.rest() }},
		{name: "another server to connect to", proves: "R66", site: tcp("retries: 1\nservers: [{name: s0, address: \"@dead@\"}, {name: s1, address: \"@s1@\"}]", "retries 1\noption redispatch 1\nserver s0 @dead@\nserver s1 @s1@"), raw: echo, do: speaks("hello")},
		{name: "silence for too long", proves: "R66", site: site{
			&words{front: "mode: tcp\ntimeouts: {tunnel: 1s}", back: "mode: tcp"}, &words{front: "mode tcp\ntimeout client 1s", back: "mode tcp\ntimeout server 1s\ntimeout tunnel 1s\nserver s1 @s1@"}, nil,
		}, raw: echo, do: func(t *talk) {
			t.send("one\n")
			t.octets(4)
			t.rest()
		}},
		{name: "by the name that TLS asks for", proves: "R66", site: byName, raw: names, do: func(t *talk) {
			for _, name := range []string{"a.test", "b.test", "B.TEST", "x.b.test"} {
				t.dial()
				t.send(hello(name))
				t.octets(2)
			}
		}},
		{name: "no TLS where names are looked at", proves: "R66", site: byName, raw: names, do: func(t *talk) {
			t.send("EHLO a.test\r\n")
			t.octets(2)
		}},
		{name: "sessions of a server that is found down", proves: "R66", site: tcp("on_down: close_connections\nhealth_check: {http: {path: /check}, interval: 20ms, timeout: 2s, rise: 1, fall: 1}",
			"timeout check 2s\noption httpchk GET /check\nserver s1 @s1@ check inter 20ms rise 1 fall 1 on-marked-down shutdown-sessions"), raw: probed(echo), shows: shows{client: true}, do: func(t *talk) {
			t.send("one\n")
			t.octets(4)
			t.sick("s1", 500)
			t.rest()
		}},
		{name: "much", proves: "R66", site: tcp("", ""), raw: func(v *visit) { n, _ := io.Copy(io.Discard, v.r); v.say(itoa(int(n))) }, do: speaks(strings.Repeat("x", 3_000_000))},
		{name: "version 1", site: proxied, ask: []string{"PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\n" + get("/")}},
		{name: "version 1, unknown", site: proxied, ask: []string{"PROXY UNKNOWN\r\n" + get("/")}},
		{name: "version 2", site: proxied, ask: []string{version2 + get("/")}},
		{name: "version 2, local", site: proxied, ask: []string{"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00" + get("/")}},
		{name: "version 1, malformed", site: proxied, do: rest("PROXY TCP4 1.2.3 5.6.7.8 1000 80\r\n" + get("/"))},
		{name: "no header", site: proxied, do: rest(get("/"))},
		{name: "version 1 to servers", site: tells("v1", "send-proxy"), raw: told, ask: []string{get("/")}},
		{name: "version 2 to servers", site: tells("v2", "send-proxy-v2"), raw: told, ask: []string{get("/")}},
		{name: "a Unix socket", site: site{&words{back: "servers: [{name: u1, address: \"@u1@\"}]"}, &words{back: "server u1 unix@@u1@"}, &words{back: "server unix:@u1@;"}}, ask: []string{get("/1"), get("/2")}},
	}, streamsDiffer()}
}
