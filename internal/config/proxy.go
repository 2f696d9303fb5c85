package config

import (
	"cmp"
	"fmt"

	"github.com/tandem-lb/tandem/proxy"
)

// frontendPath and backendPath return the path of a key of a frontend or backend.
func frontendPath(i int, key string) string { return item("proxy.frontends", i) + "." + key }
func backendPath(i int, key string) string  { return item("proxy.backends", i) + "." + key }

// checkProxy reports what is wrong with the balancer on every node alike.
func (b *builder) checkProxy() {
	b.checkResolvers()
	b.checkMaps()
	frontends, backends := unique{b: b}, unique{b: b}
	for i, f := range b.raw.Proxy.Frontends {
		frontends.add(f.Name, "name", frontendPath(i, "name"))
		b.checkRules(i)
		b.checkMode(i)
		b.checkClients(i)
		b.checkProxies(i)
		b.checkHeads(item("proxy.frontends", i), f.RequestHeaders, f.ResponseHeaders)
		b.checkMonitor(frontendPath(i, "monitor"), f.Monitor)
		b.checkAccessLog(i)
		for j, bind := range f.Bind {
			b.checkTLS(item(frontendPath(i, "bind"), j)+".tls", bind.TLS)
		}
		if f.DefaultBackend != "" && b.backend(f.DefaultBackend) == nil {
			b.noBackend(frontendPath(i, "default_backend"), f.DefaultBackend)
		}
		if f.DefaultBackend == "" && len(f.Rules) == 0 && !b.reported(item("proxy.frontends", i)) {
			what, want := "answers every request with 503", "a default_backend or rules"
			if f.Mode == modeTCP {
				what, want = "ends every connection at once", "a default_backend"
			}
			b.warnAt(item("proxy.frontends", i), what, want)
		}
	}
	for i, raw := range b.raw.Proxy.Backends {
		backends.add(raw.Name, "name", backendPath(i, "name"))
		b.checkBackendMode(i)
		b.checkRetries(i)
		b.checkServers(i)
		b.checkServerTLS(i)
		b.checkHealth(i)
		b.checkBalance(i)
		b.checkPersistence(i)
		b.checkHeads(item("proxy.backends", i), raw.RequestHeaders, raw.ResponseHeaders)
	}
}

// backend returns the backend of that name, or nil.
func (b *builder) backend(name string) *rawBackend {
	for i := range b.raw.Proxy.Backends {
		if b.raw.Proxy.Backends[i].Name == name {
			return &b.raw.Proxy.Backends[i]
		}
	}
	return nil
}

// noBackend reports the name of a backend that no one defines.
func (b *builder) noBackend(path, name string) {
	var there []string
	for _, raw := range b.raw.Proxy.Backends {
		if raw.Name != "" {
			there = append(there, raw.Name)
		}
	}
	b.errorAt(path, "no backend "+name+" in proxy.backends", oneThere(there))
}

// maxServers bounds how many servers a backend has: far more than make sense, few enough to be held.
const maxServers = 10000

func (b *builder) checkServers(i int) {
	if n := standFor(b.raw.Proxy.Backends[i].Servers); n > maxServers {
		b.errorAt(backendPath(i, "servers"), fmt.Sprintf("are %d with all their slots", n), fmt.Sprintf("at most %d", maxServers))
		return
	}
	names := unique{b: b}
	for j, s := range b.raw.Proxy.Backends[i].Servers {
		path := item(backendPath(i, "servers"), j)
		for _, name := range s.names() {
			names.add(name, "name", join(path, "name"))
		}
		b.checkLookup(path, s)
	}
}

// proxy returns the balancer as a node runs it.
func (b *builder) proxy(n Node) proxy.Config {
	cfg := proxy.Config{TLS: proxy.TLS{TicketSecretFile: b.raw.Proxy.TLS.TicketSecretFile}, MaxConnections: b.raw.Proxy.Limits.MaxConnections, MaxHeld: int64(b.raw.Proxy.Limits.Responses), Maps: b.maps()}
	defaults := b.raw.Proxy.Defaults
	taken := listening{b: b}
	for i, raw := range b.raw.Proxy.Frontends {
		t, d := raw.Timeouts, defaults.Timeouts
		cfg.Frontends = append(cfg.Frontends, proxy.Frontend{
			Name:           raw.Name,
			TCP:            raw.Mode == modeTCP,
			Binds:          b.binds(i, n, &taken),
			Rules:          rules(raw.Rules),
			RequestEdits:   raw.RequestHeaders.edits(),
			ResponseEdits:  raw.ResponseHeaders.edits(),
			ErrorPages:     raw.errorPages(defaults.ErrorPages),
			TrustedProxies: trusted(raw.TrustedProxies, defaults.TrustedProxies),
			ByForwarded:    cmp.Or(raw.ClientFrom, defaults.ClientFrom) == "forwarded" && raw.Mode != modeTCP,
			ClientRate:     raw.ClientRate.config(),

			ClientConnections: raw.ClientConnections.config(),
			RequestID:         raw.RequestID.config(),
			Monitor:           raw.Monitor.config(),
			DefaultBackend:    raw.DefaultBackend,
			MaxBody:           raw.maxBody(defaults.MaxBody),
			Compression:       raw.compression(defaults.Compression),
			MaxConnections:    raw.MaxConnections,
			AccessLog:         b.accessLog(i),
			Timeouts: proxy.FrontendTimeouts{
				HTTPRequest: cmp.Or(t.HTTPRequest, d.HTTPRequest),
				Client:      cmp.Or(t.Client, d.Client),
				KeepAlive:   cmp.Or(t.KeepAlive, d.KeepAlive),
				Tunnel:      cmp.Or(t.Tunnel, d.Tunnel),
			},
		})
	}
	for _, raw := range b.raw.Proxy.Backends {
		backend := proxy.Backend{
			Name:      raw.Name,
			TCP:       raw.Mode == modeTCP,
			Balance:   raw.Balance.config(),
			TLS:       raw.TLS.config(),
			HTTP2:     raw.Protocol == protocolHTTP2,
			Check:     raw.Check.config(),
			CheckTLS:  raw.Check.tls().config(),
			FastEject: raw.Check != nil && raw.Check.FastEject,
			CutOnDown: raw.OnDown == closeConnections,
			Passive:   raw.Passive.config(),
			Cookie:    raw.Cookie.config(),
			Sources:   raw.Sources.config(),
			Forwarded: proxy.Forwarded{
				For: forwardedFor(raw.Forwarded.For), Proto: raw.Forwarded.Proto, RealIP: raw.Forwarded.RealIP,
				Host: raw.Forwarded.Host, Port: raw.Forwarded.Port, Standard: raw.Forwarded.Standard, Except: networks(raw.Forwarded.Except),
			},
			RequestEdits:  raw.RequestHeaders.edits(),
			ResponseEdits: raw.ResponseHeaders.edits(),
			ErrorPages:    errorPages(raw.ErrorPages, nil),
			HoldRequests:  int(raw.Buffering.Requests),
			HoldResponses: int(raw.Buffering.Responses),
			Timeouts: proxy.BackendTimeouts{
				Connect: cmp.Or(raw.Timeouts.Connect, defaults.Timeouts.Connect),
				Server:  cmp.Or(raw.Timeouts.Server, defaults.Timeouts.Server),
				Queue:   cmp.Or(raw.Timeouts.Queue, defaults.Timeouts.Queue, raw.Timeouts.Connect, defaults.Timeouts.Connect),
			},
			MaxConnections: raw.MaxConnections,
			MaxQueue:       raw.MaxQueue,
			Repeat:         raw.repeat(),
			Retries:        *cmp.Or(raw.Retries, &defaults.Retries),
			Redispatch:     *cmp.Or(raw.Redispatch, &defaults.Redispatch),
		}
		for _, s := range raw.Servers {
			server := server(&raw, s)
			b.lookUp(&server, s)
			backend.Servers = append(backend.Servers, server)
			if server.Lookup.Name != "" {
				cfg.Resolvers = b.raw.Proxy.Resolvers.config()
			}
		}
		cfg.Backends = append(cfg.Backends, backend)
	}
	return cfg
}

func forwardedFor(word string) proxy.ForwardedFor {
	return map[string]proxy.ForwardedFor{"append": proxy.ForwardedForAppend, "replace": proxy.ForwardedForReplace, "off": proxy.ForwardedForOff, "if_none": proxy.ForwardedForIfNone}[word]
}
