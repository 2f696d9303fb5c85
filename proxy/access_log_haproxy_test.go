package proxy_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/peers"
	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/proxytest"
)

const haproxySite = `global
	log UDP len 8192 local0
defaults
	mode http
	log global
	option abortonclose
	retries 1
	timeout connect CONNECTms
	timeout client CLIENTms
	timeout server SERVERms
	timeout http-request HEADms
	timeout http-keep-alive 10s
frontend f
	bind PLAIN
	LOG
	http-request redirect location /there if { path /moved }
	use_backend dead if { path /dead }
	use_backend two if { path /two }
	default_backend b
frontend k
	bind TLS ssl crt PAIR alpn h2,http/1.1
	LOG
	default_backend b
backend b
	server s1 GOOD
backend dead
	server d1 DEAD
backend two
	option redispatch
	server d1 DEAD
	server s1 GOOD
`

// haproxy starts one with a site like tandem's, which logs as log says, and returns it with what hears its lines.
func haproxy(t *testing.T, log string) (s site, heard func() string) {
	t.Helper()
	p := peers.NewBalancer(t, "haproxy")
	udp, heard := syslogs(t, "udp", "127.0.0.1:0")
	pair, _ := proxytest.Bundle(t, "localhost")
	good, asked := origin(t)
	s.asked = asked
	var plain, secure string
	s.plain, plain = p.Listens(t)
	s.tls, secure = p.Listens(t)
	ms := func(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }
	text := strings.NewReplacer(
		"UDP", udp, "CONNECT", ms(connectPatience), "CLIENT", ms(clientPatience), "SERVER", ms(serverPatience), "HEAD", ms(headPatience),
		"PLAIN", plain, "TLS", secure, "PAIR", pair, "GOOD", good.String(), "DEAD", proxytest.Nobody(t).String(), "LOG", log,
	).Replace(haproxySite)
	p.Run(t, text)
	return s, heard
}

// Lines of Tandem and of HAProxy for the same talks, octet for octet but for what masked leaves out.
func TestIntegrationR6_R7_AccessLogsBesideHAProxy(t *testing.T) {
	t.Parallel()
	s, heard := haproxy(t, "option httplog\n\tcapture request header Host len 10\n\tcapture request header X-Odd len 64\n\tcapture response header Server len 64")
	for _, c := range talks() {
		c.have(t, s)
		want := c.want
		if c.haproxy != "" {
			want = c.haproxy
		}
		got := masked(heard())
		if c.name == "two requests" {
			if first := strings.Replace(want, "/2", "/1", 1); got != first {
				t.Errorf("%s: the first:\n got %s\nwant %s", c.name, got, first)
			}
			got = masked(heard())
		}
		if got != want {
			t.Errorf("%s: HAProxy logs\n%s, the test takes it for\n%s", c.name, got, want)
		}
		if c.haproxy != "" && c.why == "" {
			t.Errorf("%s: a difference without a reason", c.name)
		}
	}
	for _, c := range talksTLS {
		ask(t, s.tls, c.protocol)
		if got := masked(heard()); got != c.want {
			t.Errorf("%s: HAProxy logs\n%s, the test takes it for\n%s", c.name, got, c.want)
		}
	}
}

// everything is a format with all that is the same wherever a site stands.
const everything = `%ci|%f|%ft|%b|%s|%si|%ST|%CC|%CS|%ts|%tsc|%bc|%sc|%rc|%sq|%bq|%hr|%hs|%r|%HM|%HU|%HP|%HQ|%HV|%sslv|%sslc|%% ` +
	`"%{+Q}ci"%{+Q}f %{+Q}ft %{+Q}b %{+Q}s %{+Q}si %{+Q}CC %{+Q}CS %{+Q}hr %{+Q}hs %{+Q}r %{+Q}HM %{+Q}HU %{+Q}HP %{+Q}HQ %{+Q}HV %{+Q}sslv ` +
	`%[capture.req.hdr(0)] %{+Q}[capture.req.hdr(0)] %{+Q}o %ci %{-Q}b  %H  end`

// times are numbers and dates, whose form is looked at.
const times = `%t %tr %T %Tl %trg %trl %Ts %ms %TR %Tw %Tc %Tr %Td %Ta %Tt %cp %sp`

var digits, months = regexp.MustCompile(`[0-9]+`), regexp.MustCompile(`[A-Z][a-z]{2}`)

func TestIntegrationFormatsBesideHAProxy(t *testing.T) {
	t.Parallel()
	const head = "capture request header Host len 10\n\tcapture response header Server len 64\n\t"
	for _, tt := range []struct {
		name, format, haproxy string
		mask                  func(string) string
	}{
		{"custom", everything, head + "log-format '" + everything + "'", func(s string) string { return s }},
		{"times", times, head + "log-format '" + times + "'", func(s string) string { return months.ReplaceAllString(digits.ReplaceAllString(s, "n"), "Mon") }},
		{"tcplog", "tcplog", "option tcplog", func(s string) string { return digits.ReplaceAllString(s, "n") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := accesslog.Config{Format: tt.format, Request: []accesslog.Capture{{Name: "Host", Length: 10}}, Response: []accesslog.Capture{{Name: "Server", Length: 64}}}
			ours := tandem(t, c)
			theirs, heard := haproxy(t, tt.haproxy)
			for i, name := range []string{"answered", "redirect", "dead server", "cut off", "bad request"} {
				for _, c := range talks() {
					if c.name != name {
						continue
					}
					c.have(t, ours)
					c.have(t, theirs)
					got, want := tt.mask(ours.lines(t, i+1)[i]), tt.mask(heard())
					if got != want {
						t.Errorf("%s:\n got %s\nwant %s", name, got, want)
					}
				}
			}
		})
	}
}
