package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/tandem-lb/tandem/proxy/health"
)

type rawHTTPCheck struct {
	Method       string            `yaml:"method"`
	Path         string            `yaml:"path"`
	Host         string            `yaml:"host"`
	Headers      map[string]string `yaml:"headers"`
	ExpectStatus []string          `yaml:"expect_status"`
	ExpectBody   string            `yaml:"expect_body"`
	ExpectRegexp string            `yaml:"expect_body_regexp"`
	Port         uint16            `yaml:"port"`
}

func (c *rawHTTPCheck) there() bool { return c != nil }

func (*rawHTTPCheck) keys(in string) []Key {
	return []Key{
		{Path: in, Type: section(), Others: "httpchk", Absent: "no request is sent", Example: "{method: GET, path: /health, host: localhost, expect_status: [200]}", Reload: ReloadAnew, Help: "A request is the probe."},
		{Path: in + ".method", Type: oneOf("GET", "HEAD", "OPTIONS"), Default: "GET", Example: "HEAD", Reload: ReloadAnew, Help: "Its method."},
		{Path: in + ".path", Type: pattern("request target", "a slash, then printable ASCII", 4096, `^/[!-~]*$`), Default: "/", Others: "uri", Example: "/health", Reload: ReloadAnew, Help: "Its path, a query too if you like."},
		{Path: in + ".host", Type: headerValue(), Absent: "the name that the server is looked up by, or its address", Example: "localhost", Reload: ReloadAnew, Help: "Its Host."},
		{Path: in + ".headers", Type: names(headerName()), Others: "hdr", Absent: "none", Example: "{X-Check: tandem}", Reload: ReloadAnew, Help: "Further headers of it. One named User-Agent replaces `tandem-check`."},
		{Path: in + ".headers.*", Type: headerValue(), Example: "tandem", Reload: ReloadAnew, Help: "The value."},
		{Path: in + ".expect_status", Type: list(1, 64), Others: "expect", Absent: "200 to 399", Example: "[200, 300-399]", Reload: ReloadAnew, Help: "The statuses that are a success."},
		{Path: in + ".expect_status[]", Type: statusRange(), Example: "200", Reload: ReloadAnew, Help: "A status, or the first and the last of several."},
		{Path: in + ".expect_body", Type: line(4096), Others: "string", Absent: "any", Example: "ready", Reload: ReloadAnew, Help: "What the first 16 KiB of the body have to contain."},
		{Path: in + ".expect_body_regexp", Type: expression(4096), Others: "rstring", Absent: "any", Example: "'\"state\": *\"(running|streaming)\"'", Reload: ReloadAnew, Help: "What they have to match, in RE2's syntax."},
		{Path: in + ".port", Type: integer(1, 65535), Absent: "the server's", Example: "8008", Reload: ReloadAnew, Help: ownPort},
	}
}

func (c *rawHTTPCheck) config() health.Kind {
	k := &health.HTTP{Method: c.Method, Path: c.Path, Host: c.Host, Status: statuses(c.ExpectStatus), Body: c.ExpectBody, Regexp: c.ExpectRegexp, Port: c.Port}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		k.Fields = append(k.Fields, health.Field{Name: name, Value: c.Headers[name]})
	}
	return k
}

func (c *rawHTTPCheck) port() uint16 { return c.Port }

func (c *rawHTTPCheck) check(b *builder, path string) {
	b.checkStatuses(join(path, "expect_status"), c.ExpectStatus)
	if c.Method == "HEAD" && c.ExpectBody+c.ExpectRegexp != "" {
		b.errorAt(join(path, "method"), "HEAD, whose answers have no body, and one is expected", "GET")
	}
	names := unique{b: b}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		at, lower := join(join(path, "headers"), name), strings.ToLower(name)
		names.add(lower, "header", at)
		if lower == "host" {
			b.errorAt(at, "is not set here", "host beside headers")
		} else if containsWord(ownHeaders, lower) {
			b.errorAt(at, name+" is the probe's own", "another header")
		}
	}
}
