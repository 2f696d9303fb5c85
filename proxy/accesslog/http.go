package accesslog

import "github.com/tandem-lb/tandem/proxy/exchange"

// appendHTTPLog writes what the format httplog says.
func (f *Format) appendHTTPLog(dst []byte, l *line) []byte {
	r, d := l.r, l.d
	dst = append(appendClient(dst, d.Client.Addr()), ':')
	dst = append(appendInt(dst, int64(d.Client.Port())), " ["...)
	dst = append(appendDateMillis(dst, l), "] "...)
	if dst = append(dst, r.Frontend...); d.TLS {
		dst = append(dst, '~')
	}
	dst = append(append(append(dst, ' '), l.backendName()...), '/')
	dst = append(append(dst, l.serverName()...), ' ')
	dst = append(appendInt(dst, millis(r.Request)), '/')
	dst = append(appendInt(dst, millis(r.Wait)), '/')
	dst = append(appendInt(dst, millis(r.Connect)), '/')
	dst = append(appendInt(dst, millis(r.Response)), '/')
	dst = append(appendInt(dst, millis(r.Active)), ' ')
	dst = append(appendInt(dst, l.status()), ' ')
	dst = append(appendInt(dst, l.sent()), ' ')
	dst = append(appendCookie(dst, d.RequestCookie), ' ')
	dst = append(appendCookie(dst, d.ResponseCookie), ' ')
	dst = append(appendState(dst, r), ' ')
	dst = append(appendInt(dst, d.ProcessConnections), '/')
	dst = append(appendInt(dst, d.FrontendConnections), '/')
	dst = append(appendInt(dst, d.BackendRequests), '/')
	dst = append(appendInt(dst, d.ServerRequests), '/')
	dst = append(appendRetries(dst, r), ' ')
	dst = append(appendInt(dst, int64(r.ServerQueue)), '/')
	dst = append(appendInt(dst, int64(r.BackendQueue)), ' ')
	if !l.known() {
		return append(append(append(dst, '"'), noRequest...), '"')
	}
	if n := len(f.request); n > 0 {
		dst = append(appendBraced(dst, &d.Request, n), ' ')
	}
	if n := len(f.response); n > 0 {
		dst = append(appendBraced(dst, &d.Response, n), ' ')
	}
	return append(appendRequestLine(append(dst, '"'), l), '"')
}

// appendCookie writes a captured cookie, or a dash.
func appendCookie(dst, cookie []byte) []byte {
	if len(cookie) == 0 {
		return append(dst, '-')
	}
	return appendEscaped(dst, cookie, inCookie)
}

// appendBraced writes n captured fields.
func appendBraced(dst []byte, c *exchange.Captures, n int) []byte {
	dst = append(dst, '{')
	for i := range n {
		if i > 0 {
			dst = append(dst, '|')
		}
		dst = appendEscaped(dst, c.At(i), inField)
	}
	return append(dst, '}')
}

// appendRetries writes how many attempts came after the first, with a plus where one went to another server.
func appendRetries(dst []byte, r *exchange.Record) []byte {
	if r.Redispatched {
		dst = append(dst, '+')
	}
	return appendInt(dst, int64(r.Retries))
}

// appendRequestLine writes the request line as HAProxy does.
func appendRequestLine(dst []byte, l *line) []byte {
	dst = append(appendEscaped(dst, l.d.Method, inRequest), ' ')
	dst = append(appendURI(dst, l, l.d.Target), ' ')
	return append(dst, l.d.Protocol...)
}
