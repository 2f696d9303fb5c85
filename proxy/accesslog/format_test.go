package accesslog

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// paris is a zone that is not UTC, whatever the machine's is.
var paris = time.FixedZone("", 3600)

// moment is when the requests of the tests began.
var moment = time.Date(2026, time.November, 21, 7, 33, 45, 123_900_000, paris)

const ms = time.Millisecond

// served is a request that a server has answered. Tests change what they are about.
func served() *exchange.Record {
	d := &exchange.Details{
		Client: netip.MustParseAddrPort("192.0.2.9:41052"), Server: netip.MustParseAddrPort("198.51.100.7:8080"),
		Protocol: "HTTP/1.1", Method: "GET", Authority: "www.example.com", Target: "/shop?item=7",
		RequestHead: 72, ResponseHead: 52, ProcessConnections: 4, FrontendConnections: 3, BackendRequests: 2, ServerRequests: 1,
	}
	return &exchange.Record{
		Frontend: "f", Backend: "b", Server: "s1", Status: 200, BytesOut: 5,
		Request: 1 * ms, Wait: 2 * ms, Connect: 3 * ms, Response: 4 * ms, Active: 12 * ms,
		Termination: exchange.Termination{Cause: exchange.Normal, Phase: exchange.AtEnd}, Details: d,
	}
}

// unreached is a request that came no further than to its end.
func unreached(status int, t exchange.Termination, active time.Duration) *exchange.Record {
	r := served()
	r.Backend, r.Server, r.Status, r.Termination = "", "", status, t
	r.Request, r.Wait, r.Connect, r.Response, r.Active = -1, -1, -1, -1, active
	r.BytesOut, r.Details.ResponseHead = 0, 0
	d := r.Details
	d.Server, d.Protocol, d.Method, d.Authority, d.Target = netip.AddrPort{}, "", "", "", ""
	d.ProcessConnections, d.FrontendConnections, d.BackendRequests, d.ServerRequests, d.RequestHead = 1, 1, 0, 0, 0
	return r
}

// with is a record changed.
func with(r *exchange.Record, change func(r *exchange.Record, d *exchange.Details)) *exchange.Record {
	change(r, r.Details)
	return r
}

func ends(cause exchange.Cause, phase exchange.Phase) exchange.Termination {
	return exchange.Termination{Cause: cause, Phase: phase}
}

func captures(values ...string) exchange.Captures {
	var c exchange.Captures
	for _, v := range values {
		c.Add([]byte(v))
	}
	return c
}

func mustParse(t testing.TB, text string, request, response []exchange.Capture) *Format {
	t.Helper()
	f, err := Parse(text, request, response)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The lines are those of HAProxy 2.6.12, with the times and counts of these records.
func TestR6_HTTPLog(t *testing.T) {
	two := []exchange.Capture{{Name: "Host", Length: 8}, {Name: "X-Odd", Length: 64}}
	one := []exchange.Capture{{Name: "Server", Length: 20}}
	for _, c := range []struct {
		name              string
		request, response []exchange.Capture
		record            *exchange.Record
		want              string
	}{
		{"answered", nil, nil, served(),
			`192.0.2.9:41052 [21/Nov/2026:07:33:45.123] f b/s1 1/2/3/4/12 200 57 - - ---- 4/3/2/1/0 0/0 "GET /shop?item=7 HTTP/1.1"`},
		{"TLS", nil, nil, with(served(), func(r *exchange.Record, d *exchange.Details) { d.TLS = true }),
			`192.0.2.9:41052 [21/Nov/2026:07:33:45.123] f~ b/s1 1/2/3/4/12 200 57 - - ---- 4/3/2/1/0 0/0 "GET /shop?item=7 HTTP/1.1"`},
		{"redispatched", nil, nil, with(served(), func(r *exchange.Record, d *exchange.Details) { r.Retries, r.Redispatched = 3, true }),
			`192.0.2.9:41052 [21/Nov/2026:07:33:45.123] f b/s1 1/2/3/4/12 200 57 - - ---- 4/3/2/1/+3 0/0 "GET /shop?item=7 HTTP/1.1"`},
		{"retried where it was", nil, nil, with(served(), func(r *exchange.Record, d *exchange.Details) { r.Retries = 1 }),
			`192.0.2.9:41052 [21/Nov/2026:07:33:45.123] f b/s1 1/2/3/4/12 200 57 - - ---- 4/3/2/1/1 0/0 "GET /shop?item=7 HTTP/1.1"`},
		{"queued, with a cookie", nil, nil, with(served(), func(r *exchange.Record, d *exchange.Details) {
			r.ServerQueue, r.BackendQueue, r.Cookie = 4, 5, exchange.CookieState{Request: 'V', Response: 'N'}
		}), `192.0.2.9:41052 [21/Nov/2026:07:33:45.123] f b/s1 1/2/3/4/12 200 57 - - --VN 4/3/2/1/0 4/5 "GET /shop?item=7 HTTP/1.1"`},
		{"captured", two, one, with(served(), func(r *exchange.Record, d *exchange.Details) {
			d.Request, d.Response = captures("example.", "a\"b{c|d}e#f\x80\tg"), captures("test")
		}), `192.0.2.9:41052 [21/Nov/2026:07:33:45.123] f b/s1 1/2/3/4/12 200 57 - - ---- 4/3/2/1/0 0/0 {example.|a#22b#7Bc#7Cd#7De#23f#80#09g} {test} "GET /shop?item=7 HTTP/1.1"`},
		{"nothing to capture", two, one, with(served(), func(r *exchange.Record, d *exchange.Details) { d.Request = captures("", "") }),
			`192.0.2.9:41052 [21/Nov/2026:07:33:45.123] f b/s1 1/2/3/4/12 200 57 - - ---- 4/3/2/1/0 0/0 {|} {} "GET /shop?item=7 HTTP/1.1"`},
		{"no request", two, one, unreached(400, ends(exchange.ByProxy, exchange.AtRequest), 0),
			`192.0.2.9:41052 [21/Nov/2026:07:33:45.123] f f/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"`},
		{"HTTP/2", nil, nil, with(served(), func(r *exchange.Record, d *exchange.Details) { d.Protocol, d.TLS = "HTTP/2.0", true }),
			`192.0.2.9:41052 [21/Nov/2026:07:33:45.123] f~ b/s1 1/2/3/4/12 200 57 - - ---- 4/3/2/1/0 0/0 "GET https://www.example.com/shop?item=7 HTTP/2.0"`},
		{"HTTP/2 without TLS", nil, nil, with(served(), func(r *exchange.Record, d *exchange.Details) { d.Protocol = "HTTP/2.0" }),
			`192.0.2.9:41052 [21/Nov/2026:07:33:45.123] f b/s1 1/2/3/4/12 200 57 - - ---- 4/3/2/1/0 0/0 "GET http://www.example.com/shop?item=7 HTTP/2.0"`},
		{"a Unix socket", nil, nil, with(served(), func(r *exchange.Record, d *exchange.Details) { d.Client = netip.AddrPort{} }),
			`unix:0 [21/Nov/2026:07:33:45.123] f b/s1 1/2/3/4/12 200 57 - - ---- 4/3/2/1/0 0/0 "GET /shop?item=7 HTTP/1.1"`},
		{"IPv6", nil, nil, with(served(), func(r *exchange.Record, d *exchange.Details) {
			d.Client = netip.MustParseAddrPort("[2001:db8::9]:41052")
		}), `2001:db8::9:41052 [21/Nov/2026:07:33:45.123] f b/s1 1/2/3/4/12 200 57 - - ---- 4/3/2/1/0 0/0 "GET /shop?item=7 HTTP/1.1"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := mustParse(t, "httplog", c.request, c.response)
			if got := string(f.appendLine(nil, c.record, moment, &line{})); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if got := string(mustParse(t, httplog, c.request, c.response).appendLine(nil, c.record, moment, &line{})); got != c.want {
				t.Errorf("by HAProxy's own text of it\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestR7_TerminationStates(t *testing.T) {
	// reached is a request that got as far as to a server.
	reached := func(status int, t exchange.Termination, wait, connect, response, active time.Duration) *exchange.Record {
		r := served()
		r.Status, r.Termination, r.Request, r.Wait, r.Connect, r.Response, r.Active = status, t, 0, wait, connect, response, active
		return r
	}
	own := func(status int, t exchange.Termination) *exchange.Record {
		r := reached(status, t, -1, -1, -1, 0)
		r.Backend, r.Server = "", ""
		return r
	}
	for _, c := range []struct {
		name   string
		record *exchange.Record
		want   string // from the backend to the state
	}{
		{"whole", reached(200, ends('-', '-'), 0, 0, 1*ms, 1*ms), "b/s1 0/0/0/1/1 200 57 - - ----"},
		{"client leaves while connecting", reached(0, ends('C', 'C'), 0, -1, -1, 300*ms), "b/s1 0/0/-1/-1/300 -1 57 - - CC--"},
		{"client leaves before the response", reached(0, ends('C', 'H'), 0, 1*ms, -1, 300*ms), "b/s1 0/0/1/-1/300 -1 57 - - CH--"},
		{"client leaves in the response", reached(200, ends('C', 'D'), 0, 1*ms, 1*ms, 300*ms), "b/s1 0/0/1/1/300 200 57 - - CD--"},
		{"client takes nothing", reached(200, ends('c', 'D'), 0, 1*ms, 1*ms, 1500*ms), "b/s1 0/0/1/1/1500 200 57 - - cD--"},
		{"client sends no body", reached(408, ends('c', 'H'), 0, 1*ms, -1, 1500*ms), "b/s1 0/0/1/-1/1500 408 57 - - cH--"},
		{"slow head", unreached(408, ends('c', 'R'), 1501*ms), "f/<NOSRV> -1/-1/-1/-1/1501 408 0 - - cR--"},
		{"client leaves in the head", unreached(0, ends('C', 'R'), 100*ms), "f/<NOSRV> -1/-1/-1/-1/100 400 0 - - CR--"},
		{"client leaves in the queue", reached(0, ends('C', 'Q'), -1, -1, -1, 100*ms), "b/s1 0/-1/-1/-1/100 -1 57 - - CQ--"},
		{"redirect", own(302, ends('L', 'R')), "f/<NOSRV> 0/-1/-1/-1/0 302 57 - - LR--"},
		{"bad request", unreached(400, ends('P', 'R'), 0), "f/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR--"},
		{"junk", reached(502, ends('P', 'H'), 0, 0, -1, 0), "b/s1 0/0/0/-1/0 502 57 - - PH--"},
		{"dead server", reached(503, ends('S', 'C'), 1503*ms, -1, -1, 1504*ms), "b/s1 0/1503/-1/-1/1504 503 57 - - SC--"},
		{"connect timeout", reached(503, ends('s', 'C'), 1500*ms, -1, -1, 2000*ms), "b/s1 0/1500/-1/-1/2000 503 57 - - sC--"},
		{"truncated body", reached(200, ends('S', 'D'), 0, 0, 0, 0), "b/s1 0/0/0/0/0 200 57 - - SD--"},
		{"server falls silent", reached(200, ends('s', 'D'), 0, 0, 0, 1001*ms), "b/s1 0/0/0/0/1001 200 57 - - sD--"},
		{"server closes", reached(502, ends('S', 'H'), 0, 0, -1, 1*ms), "b/s1 0/0/0/-1/1 502 57 - - SH--"},
		{"server timeout", reached(504, ends('s', 'H'), 0, 0, -1, 1002*ms), "b/s1 0/0/0/-1/1002 504 57 - - sH--"},
		{"queue timeout", reached(503, ends('s', 'Q'), 300*ms, -1, -1, 300*ms), "b/s1 0/300/-1/-1/300 503 57 - - sQ--"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := string(mustParse(t, "%b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc", nil, nil).appendLine(nil, c.record, moment, &line{}))
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			slow := string(mustParse(t, httplog, nil, nil).appendLine(nil, c.record, moment, &line{}))
			if whole := string(mustParse(t, "httplog", nil, nil).appendLine(nil, c.record, moment, &line{})); !strings.Contains(whole, " "+c.want+" ") {
				t.Errorf("httplog: %s, want %s in it", whole, c.want)
			} else if whole != slow {
				t.Errorf("httplog:\n got %s\nwant %s", whole, slow)
			}
		})
	}
}

// As HAProxy 2.6.12 prints them, but for %B and %U: it counts its own representation of heads, not octets.
func TestFormat(t *testing.T) {
	host := []exchange.Capture{{Name: "Host", Length: 8}}
	full := with(served(), func(r *exchange.Record, d *exchange.Details) {
		d.Request, d.TLS, d.Version, d.CipherSuite = captures("example."), true, tls.VersionTLS13, tls.TLS_AES_128_GCM_SHA256
	})
	none := unreached(400, ends('P', 'R'), 0)
	for _, c := range []struct {
		name, format string
		record       *exchange.Record
		want         string
	}{
		{"tcplog", "tcplog", served(), "192.0.2.9:41052 [21/Nov/2026:07:33:45.123] f b/s1 2/3/12 57 -- 4/3/2/1/0 0/0"},
		{"tcplog of no request", "tcplog", none, "192.0.2.9:41052 [21/Nov/2026:07:33:45.123] f f/<NOSRV> -1/-1/0 0 PR 1/1/0/0/0 0/0"},
		{"quoted from here on", `%{+Q}o %ci %cp %si %sp %f %ft %b %s %ST %CC %CS %tsc %hr %r %HM %HP %HQ %HU %HV %sslv %sslc %{-Q}r`, full,
			`"192.0.2.9" 41052 "198.51.100.7" 8080 "f" "f~" "b" "s1" 200 "" "" ---- "{example.}" "GET /shop?item=7 HTTP/1.1" "GET" "/shop" "?item=7" "/shop?item=7" "HTTP/1.1" "TLSv1.3" "TLS_AES_128_GCM_SHA256" GET /shop?item=7 HTTP/1.1`},
		{"nothing there", `%si %sp %CC %sslv %sslc %HQ %r|%hr|%{+Q}si|%{+Q}sp|%{+Q}hr %hr %HM`, none, `- - - - - <BADREQ> <BADREQ>||""|""| <BADREQ>`},
		{"no query", `%HP %HQ %{+Q}HQ`, with(served(), func(r *exchange.Record, d *exchange.Details) { d.Target = "/a" }), `/a ""`},
		{"times", `%t %tr %T %Tl %trg %trl %Ts %ms`, served(),
			`21/Nov/2026:07:33:45.123 21/Nov/2026:07:33:45.123 21/Nov/2026:06:33:45 +0000 21/Nov/2026:07:33:45 +0100 21/Nov/2026:06:33:45 +0000 21/Nov/2026:07:33:45 +0100 1795242825 123`},
		{"id", `%ID %{+Q}ID`, with(served(), func(r *exchange.Record, d *exchange.Details) { r.RequestID = "id-7" }), `id-7 "id-7"`},
		{"no id", `%ID %{+Q}ID`, served(), `- ""`},
		{"durations", `%TR %Tw %Tc %Tr %Td %Ta %Tt`, served(), "1 2 3 4 2 12 12"},
		{"durations unreached", `%TR %Tw %Tc %Tr %Td %Ta %Tt`, none, "-1 -1 -1 -1 -1 0 0"},
		{"octets", `%B %U`, with(served(), func(r *exchange.Record, d *exchange.Details) { r.BytesIn = 3 }), "57 75"},
		{"literals and blanks", ` a  %%b %f"%f  `, served(), `a %b f"f `},
		{"captures", `%[capture.req.hdr(0)] %{+Q}[capture.req.hdr(0)] %[capture.res.hdr(0)]`, full, `example. "example." -`},
		{"common", "common", served(), `192.0.2.9 - - [21/Nov/2026:07:33:45 +0100] "GET /shop?item=7 HTTP/1.1" 200 5`},
		{"common of no request", "common", none, `192.0.2.9 - - [21/Nov/2026:07:33:45 +0100] "-" 400 -`},
		{"combined", "combined", with(served(), func(r *exchange.Record, d *exchange.Details) {
			d.Request = captures("example.", "https://www.example.org/", `a "b" \c`+"\x01\xe4")
		}), `192.0.2.9 - - [21/Nov/2026:07:33:45 +0100] "GET /shop?item=7 HTTP/1.1" 200 5 "https://www.example.org/" "a \"b\" \\c\x01\xe4"`},
		{"combined of little", "combined", with(served(), func(r *exchange.Record, d *exchange.Details) { d.Request = captures("", "", "") }),
			`192.0.2.9 - - [21/Nov/2026:07:33:45 +0100] "GET /shop?item=7 HTTP/1.1" 200 5 "-" "-"`},
		{"json", "json", with(served(), func(r *exchange.Record, d *exchange.Details) {
			d.Request, d.Response, d.TLS, d.Version, d.CipherSuite = captures("a\"\\\x01\xe4"), captures("t"), true, tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
			r.Retries, r.Redispatched, r.Why, r.RequestID = 1, true, "line_too_long", "id-7"
		}), `{"time":"2026-11-21T07:33:45.123+01:00","client":"192.0.2.9","client_port":41052,"frontend":"f","backend":"b","server":"s1",` +
			`"tls":"TLSv1.2","cipher":"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256","protocol":"HTTP/1.1","method":"GET","host":"www.example.com","uri":"/shop?item=7","request_id":"id-7",` +
			`"status":200,"termination":"----","reason":"line_too_long","bytes_in":72,"bytes_out":57,"request_ms":1,"wait_ms":2,"connect_ms":3,"response_ms":4,"total_ms":12,` +
			`"retries":1,"redispatched":true,"connections":4,"frontend_connections":3,"backend_requests":2,"server_requests":1,"server_queue":0,"backend_queue":0,` +
			`"request_headers":{"Host":"a\"\\\u0001\u00e4"},"response_headers":{"Server":"t"}}`},
		{"json of no request", "json", none, `{"time":"2026-11-21T07:33:45.123+01:00","client":"192.0.2.9","client_port":41052,"frontend":"f","backend":"","server":"",` +
			`"tls":"","cipher":"","protocol":"","method":"","host":"","uri":"","request_id":"","status":400,"termination":"PR--","reason":"","bytes_in":0,"bytes_out":0,` +
			`"request_ms":-1,"wait_ms":-1,"connect_ms":-1,"response_ms":-1,"total_ms":0,"retries":0,"redispatched":false,` +
			`"connections":1,"frontend_connections":1,"backend_requests":0,"server_requests":0,"server_queue":0,"backend_queue":0,"request_headers":{"Host":""},"response_headers":{"Server":""}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := mustParse(t, c.format, host, []exchange.Capture{{Name: "Server", Length: 20}})
			if got := string(f.appendLine(nil, c.record, moment, &line{})); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestFormatOfProcess(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	got := string(mustParse(t, `%pid %H %{+Q}H`, nil, nil).appendLine(nil, served(), moment, &line{}))
	if want := fmt.Sprintf("%d %s %q", os.Getpid(), name, name); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFormatFaults(t *testing.T) {
	names := strings.TrimPrefix(known(), "%pid %H ")
	for _, c := range []struct{ format, want string }{
		{"clf", `format "clf" is none of httplog, tcplog, json, common, combined, and has no % of HAProxy's syntax`},
		{"%ci %citer", "format: unknown %citer, want one of %pid %H " + names},
		{"100 %", `format: "%" names nothing, want %% for the character itself`},
		{"%{+X}ci", `format: flags "+X" of "%{+X}ci", want +Q or -Q`},
		{"%{+Q", `format: "%{+Q" has no closing brace`},
		{"%[ssl_fc_sni]", "format: unknown %[ssl_fc_sni], want capture.req.hdr(N) or capture.res.hdr(N)"},
		{"%[ssl_fc_sni", `format: "%[ssl_fc_sni" has no closing bracket`},
		{"%[capture.req.hdr(1)]", "format: %[capture.req.hdr(1)] is not captured, want a number from 0 to 0"},
		{"%[capture.res.hdr(0)]", "format: %[capture.res.hdr(0)] is not captured, want captures"},
		{"%[capture.req.hdr(-1)]", "format: %[capture.req.hdr(-1)] is not captured, want a number from 0 to 0"},
	} {
		t.Run(c.format, func(t *testing.T) {
			if _, err := Parse(c.format, []exchange.Capture{{Name: "Host", Length: 8}}, nil); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// everything is all that a format can say.
func everything() string {
	var b strings.Builder
	for i := range aliases {
		fmt.Fprintf(&b, "%%%s %%{+Q}%s ", aliases[i].name, aliases[i].name)
	}
	return b.String() + "%[capture.req.hdr(0)] %[capture.res.hdr(0)]"
}

// Whatever a client or a server sends: it cannot end a line, nor leave quotes or braces.
func FuzzNobodyEscapes(f *testing.F) {
	f.Add("GET", "/\r\n192.0.2.1 forged", "www\"", "x} {y|\"z", "\x00\xff#")
	f.Add("", "", "", "", "")
	f.Fuzz(func(t *testing.T, method, target, host, sent, answered string) {
		one := []exchange.Capture{{Name: "X", Length: 1 << 20}}
		r := with(served(), func(r *exchange.Record, d *exchange.Details) {
			d.Method, d.Target, d.Authority = method, target, host
			d.Request, d.Response = captures(sent, sent, sent), captures(answered)
		})
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
			r.Details.Protocol = protocol
			for _, format := range append(Formats(), everything(), "%hr", "%{+Q}r") {
				line := mustParse(t, format, one, one).appendLine(nil, r, moment, &line{})
				for _, c := range line {
					if c < 0x20 || c >= 0x7f {
						t.Fatalf("%s: octet %#x in %q", format, c, line)
					}
				}
				switch format {
				case "json":
					var got struct{ URI, Method string }
					if err := json.Unmarshal(line, &got); err != nil || got.URI != latin(target) || got.Method != latin(method) {
						t.Fatalf("%q: %+v, %v", line, got, err)
					}
				case "%hr":
					if got := strings.ContainsAny(string(line[1:len(line)-1]), `{|}"`); got || line[0] != '{' || line[len(line)-1] != '}' {
						t.Fatalf("%q has more than its own braces", line)
					}
				case "%{+Q}r":
					if strings.Count(string(line), `"`) != 2 {
						t.Fatalf("%q has more than its own quotes", line)
					}
				}
			}
		}
	})
}

// latin takes octets for characters.
func latin(text string) string {
	var b strings.Builder
	for i := range len(text) {
		b.WriteRune(rune(text[i]))
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	f.Add(httplog)
	f.Add("%{+Q}o %{-Q}r%%%[capture.req.hdr(0)]  x")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := Parse(text, nil, nil)
		if err != nil {
			return
		}
		line := string(parsed.appendLine(nil, served(), moment, &line{}))
		if strings.HasPrefix(line, " ") {
			t.Errorf("%q: %q begins with a blank", text, line)
		}
	})
}

func TestLinesAllocateNothing(t *testing.T) {
	two := []exchange.Capture{{Name: "Host", Length: 8}, {Name: "X", Length: 8}}
	r := with(served(), func(r *exchange.Record, d *exchange.Details) {
		d.Request, d.Response = captures("a", "b", "c", "d"), captures("a", "b")
	})
	for _, format := range append(Formats(), everything()) {
		f, buf, s := mustParse(t, format, two, two), make([]byte, 0, 1<<16), &line{}
		if n := testing.AllocsPerRun(100, func() { buf = f.appendLine(buf[:0], r, moment, s) }); n != 0 {
			t.Errorf("%.20s: %v allocations a line, want 0", format, n)
		}
	}
}

func BenchmarkLine(b *testing.B) {
	for _, format := range Formats() {
		b.Run(format, func(b *testing.B) {
			f, buf, s, r := mustParse(b, format, nil, nil), []byte(nil), &line{}, served()
			b.ReportAllocs()
			for b.Loop() {
				buf = f.appendLine(buf[:0], r, moment, s)
			}
		})
	}
}
