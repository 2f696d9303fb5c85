package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/balance"
)

type rawBalance struct {
	Algorithm   string  `yaml:"algorithm"`
	Key         string  `yaml:"key"`
	BoundedLoad float64 `yaml:"bounded_load"`
	Draws       int     `yaml:"draws"`
	Backups     string  `yaml:"backups"`
}

// Which backups are used.
const (
	backupsAll   = "all"
	backupsFirst = "first"
)

// balanceKeys are what says which server gets the next request.
func balanceKeys(in string) []Key {
	return []Key{
		{Path: in, Type: section(), Default: "{}", Example: "{algorithm: least_conn}", Reload: ReloadNew, Help: "Which server gets the next request. [More of it](balancing.md)."},
		{Path: in + ".algorithm", Type: oneOf(balance.Algorithms()...), Default: balance.RoundRobin, Others: "roundrobin leastconn random ip_hash uri hdr", Example: balance.LeastConn, Reload: ReloadNew, Help: algorithms()},
		{Path: in + ".key", Type: hashKey(), Absent: "`hash` needs one", Others: "hash", Example: `"header:X-Tenant"`, Reload: ReloadNew,
			Help: "Of `hash`: what requests are known by. Those that have none are spread in turn. `source` is the client's address, `path` is without the query."},
		{Path: in + ".bounded_load", Type: number("1.01", "100"), Absent: "none", Others: "hash-balance-factor", Example: "1.25", Reload: ReloadNew,
			Help: "Of `hash` and `source`: how many times its share of the requests in flight a server may have. What would be more goes to the next one."},
		{Path: in + ".draws", Type: integer(1, 2), Absent: "2", Example: "1", Reload: ReloadNew, Help: "Of `random`: with 2 the less loaded of two servers is taken, with 1 it is chance alone."},
		{Path: in + ".backups", Type: oneOf(backupsAll, backupsFirst), Default: backupsAll, Others: "allbackups", Example: backupsFirst, Reload: ReloadNew,
			Help: "Whether all backups that can be used share the traffic when no other server is left, or the first of them gets it, as HAProxy does without `allbackups`."},
	}
}

// slowStartKey is that of a backend or of a server.
func slowStartKey(in, absent string) Key {
	return Key{Path: in + ".slow_start", Type: duration("0s", "1h"), Absent: absent, Others: "slowstart", Example: "30s", Reload: ReloadLive,
		Help: "In which time a server's share grows to its weight, in steps of 5 %, after it was down. Not when it is first seen."}
}

// algorithms says of each which server it takes.
func algorithms() string {
	names := balance.Algorithms()
	names = slices.DeleteFunc(names, func(name string) bool { return name == balance.RoundRobin })
	var words []string
	for _, name := range append([]string{balance.RoundRobin}, names...) { // the default first
		words = append(words, "`"+name+"`: "+balance.Help(name)+".")
	}
	return strings.Join(words, " ")
}

// hashKey is what balance.ParseKey takes.
func hashKey() Type {
	return Type{Kind: "key", Range: balance.WantKey, Want: balance.WantKey, tags: textTags, fault: func(text string) string {
		if _, err := balance.ParseKey(text); err != nil {
			return quote(text) + " is no key"
		}
		return ""
	}}
}

// number is one between two others.
func number(least, most string) Type {
	low, _ := strconv.ParseFloat(least, 64)
	high, _ := strconv.ParseFloat(most, 64)
	r := least + " to " + most
	return Type{Kind: "number", Range: r, Want: "a number from " + r, tags: "!!int !!float", fault: func(text string) string {
		n, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil || strings.ContainsAny(text, "xXpP_"):
			return quote(text) + " is not in plain decimal digits"
		case !(n >= low && n <= high):
			return shorten(text) + " is out of range"
		}
		return ""
	}}
}

// checkBalance reports keys that do nothing with the algorithm, and one that is missing.
func (b *builder) checkBalance(i int) {
	raw, path := b.raw.Proxy.Backends[i].Balance, backendPath(i, "balance")
	hashes := raw.Algorithm == balance.Hash || raw.Algorithm == balance.Source
	if b.reported(path) {
		return
	}
	if raw.Algorithm == balance.Hash && raw.Key == "" {
		b.errorAt(path, "hash without a key", "key: "+balance.WantKey)
	}
	for _, k := range []struct {
		name    string
		useless bool
		with    string
	}{
		{"key", raw.Key != "" && raw.Algorithm != balance.Hash, "hash"},
		{"bounded_load", raw.BoundedLoad != 0 && !hashes, "hash or source"},
		{"draws", raw.Draws != 0 && raw.Algorithm != balance.Random, "random"},
	} {
		if k.useless {
			b.errorAt(join(path, k.name), "does nothing with "+raw.Algorithm, "algorithm: "+k.with)
		}
	}
	b.checkSlowStart(i)
}

// checkSlowStart warns of slow starts that never come.
func (b *builder) checkSlowStart(i int) {
	raw := b.raw.Proxy.Backends[i]
	for j, s := range raw.Servers {
		if raw.Check != nil || s.Track != "" {
			continue
		}
		const what, want = "does nothing: a server whose health is not checked never goes down", "health_check there"
		if s.SlowStart != nil && *s.SlowStart > 0 {
			b.warnAt(join(item(backendPath(i, "servers"), j), "slow_start"), what, want)
		} else if s.SlowStart == nil && raw.SlowStart > 0 {
			b.warnAt(backendPath(i, "slow_start"), what, want)
			return
		}
	}
}

// config returns how servers are chosen.
func (raw *rawBalance) config() proxy.Balance {
	return proxy.Balance{
		Algorithm: raw.Algorithm, Key: raw.Key, BoundedLoad: raw.BoundedLoad, Draws: raw.Draws, FirstBackup: raw.Backups == backupsFirst,
	}
}

// slowStart returns that of a server of a backend.
func (raw *rawBackend) slowStart(s rawServer) time.Duration {
	return *cmp.Or(s.SlowStart, &raw.SlowStart)
}
