package config

// What frontends and backends speak.
const (
	modeHTTP = "http"
	modeTCP  = "tcp"
)

// checkMode reports what does not fit the mode of a frontend.
func (b *builder) checkMode(i int) {
	raw := b.raw.Proxy.Frontends[i]
	if b.reported(frontendPath(i, "mode")) {
		return
	}
	b.sameMode(frontendPath(i, "default_backend"), raw.Mode, raw.DefaultBackend)
	for j, r := range raw.Rules {
		path := item(frontendPath(i, "rules"), j)
		b.sameMode(path+".backend", raw.Mode, r.Backend)
		for k, s := range r.Split {
			b.sameMode(item(path+".split", k)+".backend", raw.Mode, s.Backend)
		}
		if r.Map != nil {
			b.sameMode(path+".map.default", raw.Mode, r.Map.Default)
		}
	}
	if raw.Mode != modeTCP {
		return
	}
	for j, r := range rules(raw.Rules) {
		if path := item(frontendPath(i, "rules"), j); !r.OfConnection() && !b.reported(path) {
			b.errorAt(path, "asks for HTTP, which mode tcp knows nothing of", "source, tls and sni alone, and backend, split, deny or a map by {sni} or {client_ip}")
		}
	}
	for key, there := range map[string]bool{
		"request_headers": raw.RequestHeaders != nil, "response_headers": raw.ResponseHeaders != nil, "error_pages": raw.ErrorPages != nil,
		"trusted_proxies": raw.TrustedProxies != nil, "client_from": raw.ClientFrom != "", "request_id": raw.RequestID != nil, "monitor": raw.Monitor != nil, "max_body_size": raw.MaxBody != 0, "client_rate": raw.ClientRate != nil, "compression": raw.Compression != nil,
	} {
		if there {
			b.errorAt(frontendPath(i, key), "is of HTTP, which mode tcp knows nothing of", "none")
		}
	}
	for j, bind := range raw.Bind {
		if bind.H2C {
			b.errorAt(item(frontendPath(i, "bind"), j)+".h2c", "is of HTTP, which mode tcp knows nothing of", "none")
		}
	}
}

// sameMode reports a backend that does not speak what the frontend does.
func (b *builder) sameMode(path, mode, name string) {
	if raw := b.backend(name); raw != nil && raw.Mode != "" && raw.Mode != mode {
		b.errorAt(path, "backend "+name+" is of mode "+raw.Mode, "one of mode "+mode)
	}
}

// checkBackendMode reports what does not fit the mode of a backend.
func (b *builder) checkBackendMode(i int) {
	raw := b.raw.Proxy.Backends[i]
	if raw.Mode == modeTCP && raw.Protocol == protocolHTTP2 {
		b.errorAt(backendPath(i, "protocol"), "is of HTTP, which mode tcp knows nothing of", "none")
	}
	if raw.Mode == modeTCP && raw.Balance.Key != "" && raw.Balance.Key != "source" && !b.reported(backendPath(i, "balance")) {
		b.errorAt(backendPath(i, "balance.key"), "is of HTTP, which mode tcp knows nothing of", "source")
	}
	if raw.Mode == modeTCP && raw.Buffering != (rawBuffering{}) {
		b.errorAt(backendPath(i, "buffering"), "is of HTTP, which mode tcp knows nothing of", "none")
	}
	for key, there := range map[string]bool{
		"request_headers": raw.RequestHeaders != nil, "response_headers": raw.ResponseHeaders != nil, "error_pages": raw.ErrorPages != nil,
	} {
		if there && raw.Mode == modeTCP {
			b.errorAt(backendPath(i, key), "is of HTTP, which mode tcp knows nothing of", "none")
		}
	}
	for j, s := range raw.Servers {
		if s.SendProxy != "" && raw.Protocol == protocolHTTP2 {
			b.errorAt(item(backendPath(i, "servers"), j)+".send_proxy", "is for one client, and a connection of h2 for many", "protocol: http/1.1")
		}
	}
}
