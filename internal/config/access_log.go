package config

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/tandem-lb/tandem/proxy/accesslog"
)

// rawAccessLog is that of the defaults, or what a frontend has of its own: what is empty or nil is absent there.
type rawAccessLog struct {
	Format      string       `yaml:"format"`
	Output      []string     `yaml:"output"`
	DontLogNull *bool        `yaml:"dontlognull"`
	Sample      string       `yaml:"sample"`
	Captures    *rawCaptures `yaml:"captures"`
	Syslog      *rawSyslog   `yaml:"syslog"`
}

type rawCaptures struct {
	Request  []rawCapture      `yaml:"request"`
	Response []rawCapture      `yaml:"response"`
	Cookie   *rawCookieCapture `yaml:"cookie"`
}

type rawCookieCapture struct {
	Name   string `yaml:"name"`
	Length int    `yaml:"length"`
}

type rawCapture struct {
	Header string `yaml:"header"`
	Length int    `yaml:"length"`
}

type rawSyslog struct {
	Facility string `yaml:"facility"`
	Level    string `yaml:"level"`
	Tag      string `yaml:"tag"`
	Length   int    `yaml:"length"`
}

const accessLogDefaults = "proxy.defaults.access_log"

// accessLogPath returns where a key of a frontend's access log stands: in its own section, or in that of the defaults.
func accessLogPath(i int, key string, own bool) string {
	if own {
		return frontendPath(i, "access_log."+key)
	}
	return accessLogDefaults + "." + key
}

// checkAccessLog reports a format that cannot be read.
func (b *builder) checkAccessLog(i int) {
	c := b.accessLog(i)
	own := b.raw.Proxy.Frontends[i].AccessLog
	path := accessLogPath(i, "format", own != nil && own.Format != "")
	if c == nil || b.reported(frontendPath(i, "access_log")) || b.reported(path) || b.reported(accessLogDefaults+".captures") {
		return
	}
	if _, err := accesslog.New(*c); err != nil {
		what, want, _ := strings.Cut(strings.TrimPrefix(err.Error(), "format: "), ", want ")
		b.errorAt(path, what, want)
	}
}

// accessLog returns what a frontend logs; nil: nothing.
func (b *builder) accessLog(i int) *accesslog.Config {
	own, defaults := b.raw.Proxy.Frontends[i].AccessLog, b.raw.Proxy.Defaults.AccessLog
	if own == nil && defaults == nil {
		return nil
	}
	own, defaults = cmp.Or(own, &rawAccessLog{}), cmp.Or(defaults, absentAccessLog())
	c := &accesslog.Config{
		Format: cmp.Or(own.Format, defaults.Format),
		Sample: shareOf(cmp.Or(own.Sample, defaults.Sample)),
		Null:   !*cmp.Or(own.DontLogNull, defaults.DontLogNull),
	}
	if c.Format == formatHTTP && b.raw.Proxy.Frontends[i].Mode == modeTCP { // as HAProxy takes it
		c.Format = formatTCP
	}
	if c.Format == formatOff {
		return nil
	}
	if captures := cmp.Or(own.Captures, defaults.Captures); captures != nil {
		c.Request, c.Response = made(captures.Request), made(captures.Response)
		if cookie := captures.Cookie; cookie != nil {
			c.Cookie = &accesslog.Capture{Name: cookie.Name, Length: cookie.Length}
		}
	}
	outputs := own.Output
	if outputs == nil {
		outputs = defaults.Output
	}
	syslog := cmp.Or(own.Syslog, defaults.Syslog).made()
	for _, text := range outputs {
		o, err := accesslog.ParseOutput(text, syslog)
		if err != nil {
			continue // reported
		}
		if o.Kind == accesslog.File {
			o.Address = path.Clean(o.Address)
		}
		c.Outputs = append(c.Outputs, o)
	}
	return c
}

// absentAccessLog is what the keys of the defaults are without a section for them.
func absentAccessLog() *rawAccessLog {
	dontLogNull := true
	return &rawAccessLog{Format: "httplog", Output: []string{"stdout"}, DontLogNull: &dontLogNull, Sample: "1"}
}

func made(captures []rawCapture) []accesslog.Capture {
	var all []accesslog.Capture
	for _, c := range captures {
		all = append(all, accesslog.Capture{Name: c.Header, Length: c.Length})
	}
	return all
}

func (s *rawSyslog) made() accesslog.Syslog {
	if s == nil {
		s = &rawSyslog{Facility: "local0", Level: "info", Tag: "tandem", Length: accesslog.DefaultLength}
	}
	return accesslog.Syslog{
		Facility: slices.Index(accesslog.Facilities(), s.Facility), Severity: slices.Index(accesslog.Severities(), s.Level), Tag: s.Tag, Length: s.Length,
	}
}

// logFiles reports files that the daemon could not make.
func (c *Config) logFiles(report *checker, h Host) {
	b := &builder{checker: report, raw: c.raw}
	for i := range c.raw.Proxy.Frontends {
		log := b.accessLog(i)
		if log == nil {
			continue
		}
		for j, o := range log.Outputs {
			if o.Kind != accesslog.File {
				continue
			}
			if err := h.Appendable(o.Address); err != nil {
				own := c.raw.Proxy.Frontends[i].AccessLog
				report.errorAt(item(accessLogPath(i, "output", own != nil && own.Output != nil), j), err.Error(), "")
			}
		}
	}
}
