package config

import (
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/persist"
)

type rawCookie struct {
	Name       string        `yaml:"name"`
	Mode       string        `yaml:"mode"`
	Indirect   bool          `yaml:"indirect"`
	NoCache    bool          `yaml:"nocache"`
	Preserve   bool          `yaml:"preserve"`
	Domain     string        `yaml:"domain"`
	Path       string        `yaml:"path"`
	HTTPOnly   bool          `yaml:"http_only"`
	Secure     bool          `yaml:"secure"`
	SameSite   string        `yaml:"same_site"`
	MaxIdle    time.Duration `yaml:"max_idle"`
	MaxLife    time.Duration `yaml:"max_life"`
	SecretFile string        `yaml:"secret_file"`
}

type rawSources struct {
	Size       int           `yaml:"size"`
	Expire     time.Duration `yaml:"expire"`
	IPv6Prefix int           `yaml:"ipv6_prefix"`
}

// modeInsert is the mode in which the cookie is the balancer's own.
const modeInsert = "insert"

// config returns the cookie; nil: there is none.
func (raw *rawCookie) config() *proxy.Cookie {
	if raw == nil {
		return nil
	}
	return &proxy.Cookie{SecretFile: raw.SecretFile, Config: persist.Config{
		Name: raw.Name, Mode: map[string]persist.Mode{modeInsert: persist.Insert, "rewrite": persist.Rewrite, "prefix": persist.Prefix}[raw.Mode],
		Indirect: raw.Indirect, NoCache: raw.NoCache, Preserve: raw.Preserve, Domain: raw.Domain, Path: raw.Path,
		HTTPOnly: raw.HTTPOnly, Secure: raw.Secure, SameSite: map[string]string{"strict": "Strict", "lax": "Lax", "none": "None"}[raw.SameSite],
		MaxIdle: raw.MaxIdle, MaxLife: raw.MaxLife,
	}}
}

// config returns the table; nil: there is none.
func (raw *rawSources) config() *persist.SourcesConfig {
	if raw == nil {
		return nil
	}
	return &persist.SourcesConfig{Size: raw.Size, Expire: raw.Expire, IPv6Prefix: raw.IPv6Prefix}
}

// checkPersistence reports what does not fit together in how clients come back to their servers.
func (b *builder) checkPersistence(i int) {
	raw, path := b.raw.Proxy.Backends[i], backendPath(i, "cookie")
	for j, s := range raw.Servers {
		if s.Cookie != "" && raw.Cookie == nil && !b.reported(path) {
			b.errorAt(join(item(backendPath(i, "servers"), j), "cookie"), "does nothing: "+raw.Name+" has no cookie", "cookie in the backend")
		}
	}
	if raw.Cookie == nil || b.reported(path) {
		return
	}
	switch {
	case raw.Mode == modeTCP:
		b.errorAt(path, "is of HTTP, which mode tcp knows nothing of", "stick_table")
		return
	case raw.Sources != nil:
		b.errorAt(backendPath(i, "stick_table"), "clients come back by cookie already", "one of the two")
	}
	b.checkCookie(path, raw.Cookie)
	b.checkCookieValues(i)
}

// checkCookie reports keys that do nothing, and what browsers would not take.
func (b *builder) checkCookie(path string, raw *rawCookie) {
	useless := false
	for _, k := range []struct {
		name  string
		there bool
	}{
		{"indirect", raw.Indirect}, {"nocache", raw.NoCache}, {"preserve", raw.Preserve}, {"domain", raw.Domain != ""}, {"path", raw.Path != ""},
		{"http_only", raw.HTTPOnly}, {"secure", raw.Secure}, {"same_site", raw.SameSite != ""}, {"max_idle", raw.MaxIdle != 0}, {"max_life", raw.MaxLife != 0},
	} {
		if k.there && raw.Mode != modeInsert {
			b.errorAt(join(path, k.name), "does nothing with "+raw.Mode+": the cookie is the servers'", "mode: "+modeInsert)
			useless = true
		}
	}
	if useless {
		return
	}
	if err := raw.config().Fault(); err != nil {
		b.errorAt(path, err.Error(), "")
	}
}

// checkCookieValues reports servers whose clients would not come back.
func (b *builder) checkCookieValues(i int) {
	raw := b.raw.Proxy.Backends[i]
	if raw.Cookie.SecretFile != "" {
		return
	}
	var without []int
	for j, s := range raw.Servers {
		if s.Cookie == "" {
			without = append(without, j)
		}
	}
	if len(without) == len(raw.Servers) {
		b.errorAt(backendPath(i, "cookie"), "no server has a cookie", "a cookie in each of servers, or secret_file")
		return
	}
	for _, j := range without {
		b.warnAt(item(backendPath(i, "servers"), j), "has no cookie: its clients do not come back to it", "cookie there")
	}
}
