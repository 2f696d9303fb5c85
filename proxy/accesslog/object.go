package accesslog

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// appendObject writes an object of JSON. Every key is in every line, but for those of captured fields, so that all lines have the
// same columns. Durations are milliseconds, -1 where a phase was not reached.
func (f *Format) appendObject(dst []byte, l *line) []byte {
	r, d := l.r, l.d
	dst = append(l.begin.AppendFormat(append(dst, `{"time":"`...), jsonLayout), `","client":"`...)
	dst = append(appendClient(dst, d.Client.Addr()), '"')
	dst = member(dst, "client_port", int64(d.Client.Port()))
	dst = text(dst, "frontend", r.Frontend)
	dst = text(dst, "backend", r.Backend)
	dst = text(dst, "server", r.Server)
	dst = append(dst, `,"tls":"`...)
	dst = append(appendVersion(dst, d.Version), `","cipher":"`...)
	dst = append(appendCipher(dst, l), '"')
	dst = text(dst, "protocol", d.Protocol)
	dst = text(dst, "method", d.Method)
	dst = text(dst, "host", d.Authority)
	dst = text(dst, "uri", d.Target)
	dst = text(dst, "request_id", r.RequestID)
	dst = member(dst, "status", int64(r.Status))
	dst = append(dst, `,"termination":"`...)
	dst = append(appendState(dst, r), '"')
	dst = text(dst, "reason", r.Why)
	dst = member(dst, "bytes_in", l.received())
	dst = member(dst, "bytes_out", l.sent())
	dst = elapsed(dst, "request_ms", r.Request)
	dst = elapsed(dst, "wait_ms", r.Wait)
	dst = elapsed(dst, "connect_ms", r.Connect)
	dst = elapsed(dst, "response_ms", r.Response)
	dst = elapsed(dst, "total_ms", r.Active)
	dst = member(dst, "retries", int64(r.Retries))
	dst = append(dst, `,"redispatched":`...)
	if r.Redispatched {
		dst = append(dst, "true"...)
	} else {
		dst = append(dst, "false"...)
	}
	dst = member(dst, "connections", d.ProcessConnections)
	dst = member(dst, "frontend_connections", d.FrontendConnections)
	dst = member(dst, "backend_requests", d.BackendRequests)
	dst = member(dst, "server_requests", d.ServerRequests)
	dst = member(dst, "server_queue", int64(r.ServerQueue))
	dst = member(dst, "backend_queue", int64(r.BackendQueue))
	dst = fields(dst, "request_headers", f.request[:f.shown], &d.Request)
	dst = fields(dst, "response_headers", f.response, &d.Response)
	if f.cookie {
		dst = appendJSON(key(dst, "request_cookie"), d.RequestCookie)
		dst = appendJSON(key(dst, "response_cookie"), d.ResponseCookie)
	}
	return append(dst, '}')
}

// key writes the name of a member that is not the first.
func key(dst []byte, name string) []byte {
	return append(append(append(dst, `,"`...), name...), `":`...)
}

func text(dst []byte, name, value string) []byte { return appendJSON(key(dst, name), value) }

func member(dst []byte, name string, n int64) []byte { return appendInt(key(dst, name), n) }

func elapsed(dst []byte, name string, d time.Duration) []byte { return member(dst, name, millis(d)) }

// fields writes captured fields under their names, which are tokens (RFC 9110 section 5.6.2); nothing where none is captured.
func fields(dst []byte, name string, all []exchange.Capture, of *exchange.Captures) []byte {
	if len(all) == 0 {
		return dst
	}
	dst = append(key(dst, name), '{')
	for i := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), all[i].Name...), `":`...)
		dst = appendJSON(dst, of.At(i))
	}
	return append(dst, '}')
}
