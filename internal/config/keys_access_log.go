package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tandem-lb/tandem/proxy/accesslog"
)

// formatOff is the format of a frontend that logs nothing. The others are HAProxy's.
const (
	formatOff  = "off"
	formatHTTP = "httplog"
	formatTCP  = "tcplog"
)

// accessLogKeys are those of the defaults, or of a frontend, where each stands for that of the defaults.
func accessLogKeys(in string) []Key {
	const defaults = "proxy.defaults.access_log"
	top := func(k Key) Key {
		name := k.Path
		if k.Path, k.Reload = in+"."+name, ReloadNew; in != defaults {
			k.Default, k.Absent = "", "`"+defaults+"."+name+"`"
		}
		return k
	}
	absent, help := "nothing is logged", "A line for each request, at the end of its response, where no frontend says otherwise."
	if in != defaults {
		absent, help = "`"+defaults+"`", "Where this frontend differs from `"+defaults+"`."
	}
	capture := func(side, of string) []Key {
		list := in + ".captures." + side
		return []Key{
			{Path: list, Type: list32(), Absent: "none", Others: "capture", Example: "[{header: Host, length: 64}]", Reload: ReloadNew, Help: "Headers of " + of + ", in the order of the line."},
			{Path: list + "[].header", Type: headerName(), Required: true, Others: "name", Example: "Host", Reload: ReloadNew, Help: "Its name. Of several the last is logged."},
			{Path: list + "[].length", Type: integer(1, 4096), Default: "128", Others: "len", Example: "64", Reload: ReloadNew, Help: "How many octets of its value at most."},
		}
	}
	return slices.Concat([]Key{
		{Path: in, Type: section(), Absent: absent, Others: "log httplog", Example: "{format: httplog, output: [stdout], dontlognull: true}", Reload: ReloadParts, Help: help},
		top(Key{Path: "format", Type: logFormat(), Default: "httplog", Others: "log-format httplog tcplog log_format", Example: "json",
			Help: "`httplog` and `tcplog` are HAProxy's, octet for octet, and in `mode: tcp` the first is the second; `json` is an object for each request; `common` and `combined` are Apache's; `off` logs nothing. Text with a % is a format in HAProxy's syntax: see [access logs](access-logs.md)."}),
		top(Key{Path: "output", Type: list(1, 8), Default: "[stdout]", Others: "log access_log", Example: "[stdout, /var/log/tandem/access.log, \"syslog:/dev/log\"]",
			Help: "Where lines go, each to all: `stdout`, the absolute path of a file, `syslog:host:port` by UDP, or `syslog:` and the path of a socket. Files are opened anew by the signal USR1 and by every reload. None of them ever slows a request: lines that there is no room for are dropped, and counted in the status."}),
		{Path: in + ".output[]", Type: logOutput(), Example: "stdout", Reload: ReloadNew, Help: "An output."},
		top(Key{Path: "dontlognull", Type: boolean(), Default: "true", Example: "true", Help: "Whether connections on which no octet came are left out."}),
		top(Key{Path: "sample", Type: share(), Default: "1", Example: "1/10", Help: "Which share of the requests has a line."}),
		{Path: in + ".captures", Type: section(), Absent: inherited(in != defaults, "none", defaults+".captures"), Others: "capture", Example: "{request: [{header: Host, length: 64}]}", Reload: ReloadNew, Help: "Headers whose values are logged: in `httplog` in braces, in `json` under their names."},
	}, capture("request", "requests"), capture("response", "servers' responses"), []Key{
		{Path: in + ".captures.cookie", Type: section(), Absent: "none", Others: "capture", Example: "{name: JSESSIONID=, length: 48}", Reload: ReloadNew, Help: "The cookie that %CC (of the request) and %CS (of the server's response) stand for, with its name; in `httplog` they have their place already."},
		{Path: in + ".captures.cookie.name", Type: pattern("beginning of a cookie", "1 to 128 of a cookie's letters, with an = at the end if you like", 128, `^[!#$%&'*+.^_|~0-9A-Za-z`+"`"+`-]+=?$`), Required: true, Example: "JSESSIONID=", Reload: ReloadNew, Help: "What it begins with: the whole name with an equals sign, or a part for all that begin so. The first such one is logged."},
		{Path: in + ".captures.cookie.length", Type: integer(1, 4096), Default: "128", Others: "len", Example: "48", Reload: ReloadNew, Help: "How many octets of name, equals sign and value at most."},
		{Path: in + ".syslog", Type: section(), Absent: inherited(in != defaults, "the defaults below", defaults+".syslog"), Example: "{facility: local0, level: info}", Reload: ReloadNew, Help: "What lines to a syslog daemon look like (RFC 3164)."},
		{Path: in + ".syslog.facility", Type: oneOf(accesslog.Facilities()...), Default: "local0", Example: "local0", Reload: ReloadNew, Help: "The facility."},
		{Path: in + ".syslog.level", Type: oneOf(accesslog.Severities()...), Default: "info", Others: "severity", Example: "info", Reload: ReloadNew, Help: "The severity."},
		{Path: in + ".syslog.tag", Type: pattern("tag", "1 to 32 of letters, digits, _ . -", 32, `^[A-Za-z0-9_.-]+$`), Default: "tandem", Others: "log-tag", Example: "haproxy", Reload: ReloadNew, Help: "The name of the program, before its process number."},
		{Path: in + ".syslog.length", Type: integer(256, 65507), Default: strconv.Itoa(accesslog.DefaultLength), Others: "len", Example: "8192", Reload: ReloadNew, Help: "Octets of a whole message at most; the rest of a line is cut off."},
	})
}

// inherited is what holds where a section is absent.
func inherited(from bool, absent, path string) string {
	if from {
		return "`" + path + "`"
	}
	return absent
}

// list32 is as many captures as a line can bear.
func list32() Type { return list(1, 32) }

// logFormat is the name of a format, or one in HAProxy's syntax, which is read when its captures are known.
func logFormat() Type {
	words := append(accesslog.Formats(), formatOff)
	t := line(4096)
	valid := t.fault
	t.Kind, t.Unit, t.Range = "format", "", strings.Join(words, ", ")+", or text with % of at most 4096 octets"
	t.Want = oxford(words) + ", or text with % in HAProxy's syntax"
	t.tags += " !!bool"
	t.fault = func(text string) string {
		if what := valid(text); what != "" || strings.Contains(text, "%") || slices.Contains(words, text) {
			return what
		}
		return "unknown format " + quote(text)
	}
	return t
}

// logOutput is where lines go.
func logOutput() Type {
	return Type{Kind: "output", Range: "stdout, an absolute path, syslog:host:port, syslog:/path", Want: "stdout, an absolute path, syslog:host:port or syslog:/path", tags: textTags,
		fault: func(text string) string {
			if _, err := accesslog.ParseOutput(text, accesslog.Syslog{}); err != nil || len(text) > 4095 || strings.ContainsFunc(text, isControl) {
				return quote(text) + " is no output"
			}
			return ""
		}}
}

// maxShare is the N of the smallest 1/N.
const maxShare = 1_000_000

// share is a number above 0 up to 1, in decimals or as 1/N.
func share() Type {
	return Type{Kind: "share", Range: fmt.Sprintf("0.000001 to 1, or 1/N with N up to %d", maxShare), Want: "a number from 0.000001 to 1 such as 0.1, or 1/N", tags: "!!str !!int !!float",
		fault: func(text string) string {
			if shareOf(text) == 0 {
				return quote(text) + " is no share"
			}
			return ""
		}}
}

// shareOf reads a share; 0 is none.
func shareOf(text string) float64 {
	if digits, ok := strings.CutPrefix(text, "1/"); ok {
		n, err := strconv.Atoi(digits)
		if err != nil || !decimal.MatchString(digits) || n < 1 || n > maxShare {
			return 0
		}
		return 1 / float64(n)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 1.0/maxShare && f <= 1) {
		return 0
	}
	return f
}
