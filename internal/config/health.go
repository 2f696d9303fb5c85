package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/proxy/proxyproto"
)

type rawCheck struct {
	TCP          *rawTCPCheck    `yaml:"tcp"`
	HTTP         *rawHTTPCheck   `yaml:"http"`
	GRPC         *rawGRPCCheck   `yaml:"grpc"`
	Script       *rawScriptCheck `yaml:"script"`
	TLS          *rawServerTLS   `yaml:"tls"`
	Interval     time.Duration   `yaml:"interval"`
	FastInterval time.Duration   `yaml:"fast_interval"`
	DownInterval time.Duration   `yaml:"down_interval"`
	Timeout      time.Duration   `yaml:"timeout"`
	Rise         int             `yaml:"rise"`
	Fall         int             `yaml:"fall"`
	Init         string          `yaml:"init_state"`
	FastEject    bool            `yaml:"fast_eject"`
}

type rawPassive struct {
	MaxFails       int           `yaml:"max_fails"`
	FailTimeout    time.Duration `yaml:"fail_timeout"`
	FailStatus     []string      `yaml:"fail_status"`
	ErrorRatio     int           `yaml:"error_ratio"`
	MinRequests    int           `yaml:"min_requests"`
	PanicThreshold int           `yaml:"panic_threshold"`
}

// config returns how servers are judged by what they answer; nil: they are not.
func (raw *rawPassive) config() *proxy.Passive {
	if raw == nil {
		return nil
	}
	return &proxy.Passive{
		MaxFails: raw.MaxFails, FailTimeout: raw.FailTimeout, Statuses: statuses(raw.FailStatus), ErrorRatio: raw.ErrorRatio,
		MinRequests: raw.MinRequests, PanicThreshold: raw.PanicThreshold,
	}
}

// config returns how servers are probed; nil: they are not.
func (raw *rawCheck) config() *health.Check {
	if raw == nil {
		return nil
	}
	c := &health.Check{
		Interval: raw.Interval, FastInterval: cmp.Or(raw.FastInterval, raw.Interval), DownInterval: cmp.Or(raw.DownInterval, raw.Interval),
		Timeout: cmp.Or(raw.Timeout, raw.Interval), Rise: raw.Rise, Fall: raw.Fall, Init: health.Init(slices.Index(health.Inits[:], raw.Init)),
	}
	for _, p := range raw.probes() {
		if p.there() {
			c.Kind = p.config()
		}
	}
	return c
}

// tls returns what the probes speak TLS by of their own; nil: nothing.
func (raw *rawCheck) tls() *rawServerTLS {
	if raw == nil {
		return nil
	}
	return raw.TLS
}

// port is the one of the probes' own; 0: they have none.
func (raw *rawCheck) port() uint16 {
	if raw == nil {
		return 0
	}
	for _, p := range raw.probes() {
		if p.there() {
			return p.port()
		}
	}
	return 0
}

// statuses reads statuses and ranges of them, which the walk has seen.
func statuses(words []string) []health.Status {
	var all []health.Status
	for _, w := range words {
		from, to, _ := strings.Cut(w, "-")
		first, _ := strconv.Atoi(from) // the walk has let only digits through
		last, _ := strconv.Atoi(cmp.Or(to, from))
		all = append(all, health.Status{From: first, To: last})
	}
	return all
}

// server returns a server of a backend.
func server(raw *rawBackend, s rawServer) proxy.Server {
	return proxy.Server{
		Name: s.Name, Address: s.Address.Address, Path: s.Address.Path, Weight: s.Weight, Cookie: s.Cookie, Backup: s.Backup, SlowStart: raw.slowStart(s), MaxConnections: s.MaxConnections, MaxQueue: s.MaxQueue,
		Track:      tracked(raw.Name, s.Track),
		SendProxy:  map[string]proxyproto.Version{"v1": proxyproto.V1, "v2": proxyproto.V2}[s.SendProxy],
		ServerName: raw.TLS.nameOf(s), CheckName: raw.Check.tls().nameOf(s),
	}
}

// tracked returns whose health a server of a backend has.
func tracked(backend, word string) proxy.ServerRef {
	if word == "" {
		return proxy.ServerRef{}
	}
	if b, server, whole := strings.Cut(word, "/"); whole {
		return proxy.ServerRef{Backend: b, Server: server}
	}
	return proxy.ServerRef{Backend: backend, Server: word}
}

// checkHealth reports what does not fit together in how servers are probed.
func (b *builder) checkHealth(i int) {
	b.checkTracks(i)
	b.checkPassive(i)
	raw, path := b.raw.Proxy.Backends[i].Check, backendPath(i, "health_check")
	if raw == nil {
		return
	}
	broken := b.reported(path)
	var kinds []string
	for _, p := range raw.probes() {
		if p.there() {
			kinds = append(kinds, p.name)
		}
	}
	switch {
	case len(kinds) > 1:
		b.errorAt(path, "has "+strings.Join(kinds, " and "), "one of "+probeNames("and"))
	case len(kinds) == 0 && raw.TCP != nil:
		b.errorAt(join(path, "tcp"), "false, and no other probe is there", probeNames("or", "tcp")+", or no health_check")
	case raw.Script != nil && raw.TLS != nil:
		b.errorAt(join(path, "tls"), "does nothing for a script", "one of them")
	}
	if broken {
		return
	}
	for _, p := range raw.probes() {
		if p.there() {
			p.check(b, join(path, p.name))
		}
	}
}

func (b *builder) checkStatuses(path string, words []string) {
	if b.reported(path) {
		return
	}
	for j, s := range statuses(words) {
		if s.To < s.From {
			b.errorAt(item(path, j), fmt.Sprintf("%d is below %d", s.To, s.From), "the lower one first")
		}
	}
}

// checkPassive reports what does not fit together in what requests and checks lead to.
func (b *builder) checkPassive(i int) {
	raw, path := b.raw.Proxy.Backends[i], backendPath(i, "passive_check")
	if raw.OnDown == closeConnections && raw.Check == nil && !slices.ContainsFunc(raw.Servers, func(s rawServer) bool { return s.Track != "" }) {
		b.errorAt(backendPath(i, "on_down"), "no server is ever found down: nothing checks them", "health_check")
	}
	if raw.Passive == nil {
		return
	}
	b.checkStatuses(join(path, "fail_status"), raw.Passive.FailStatus)
	working := 0
	for _, s := range raw.Servers {
		if s.Weight > 0 {
			working += len(s.names())
		}
	}
	if working == 1 && !b.reported(path) {
		b.warnAt(path, "does nothing: there is one server, and nobody else to take its place", "")
	}
}

// checkTracks reports servers that track what they cannot.
func (b *builder) checkTracks(i int) {
	raw := b.raw.Proxy.Backends[i]
	for j, s := range raw.Servers {
		path := item(backendPath(i, "servers"), j) + ".track"
		if s.Track == "" || b.reported(path) {
			continue
		}
		seen := map[proxy.ServerRef]bool{{Backend: raw.Name, Server: s.Name}: true}
		for at := tracked(raw.Name, s.Track); at.Server != ""; {
			of, found := b.server(at)
			next := proxy.ServerRef{}
			switch {
			case found == nil:
				b.errorAt(path, "no server "+at.String()+" in proxy.backends", "one that is there")
			case seen[at]:
				b.errorAt(path, "nobody in the chain is checked: it comes back to "+at.String(), "a server with a check")
			case found.Track != "":
				next = tracked(of.Name, found.Track)
			case of.Check == nil:
				b.errorAt(path, at.String()+" is not checked", "health_check in backend "+of.Name)
			}
			seen[at] = true
			at = next
		}
	}
}

// server returns a server and its backend; nil where it is not there.
func (b *builder) server(ref proxy.ServerRef) (*rawBackend, *rawServer) {
	of := b.backend(ref.Backend)
	if of == nil {
		return nil, nil
	}
	for j := range of.Servers {
		if slices.Contains(of.Servers[j].names(), ref.Server) {
			return of, &of.Servers[j]
		}
	}
	return of, nil
}
