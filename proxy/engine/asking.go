package engine

import (
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
)

// asking is what is noticed while a request's fields are written.
type asking struct {
	forwarded    *exchange.Forwarded
	trusted      bool // what came in about the client is believed
	byForwarded  bool // of what came in Forwarded alone is
	excepted     bool // X-Forwarded-For stays as it came
	rewritten    bool // the server is asked for another host
	expects      bool
	certificates bool // servers are told of client certificates, by fields that no client may send
	length       bool // there is a Content-Length
	trailers     bool // the client takes trailers

	// What a trusted proxy has told, and is kept.
	tellsFor, tellsProto, tellsHost, tellsPort bool
}

// start begins to write the request of a stream for a backend.
func (a *asking) start(s *stream, b *exchange.Backend) {
	f := &b.Forwarded
	a.forwarded, a.trusted, a.byForwarded, a.rewritten, a.certificates = f, s.x.Trusted(), s.x.ByForwarded(), s.x.Host() != "", s.frontend.ClientCertificates
	a.excepted = f.Except != nil && f.Except.Has(s.from.Addr())
	a.expects = s.question.expects && b.Hold == 0
}

// keeps reports whether a field goes to the server as it came.
func (a *asking) keeps(f *http1.Field, buf []byte) bool {
	switch f.ID {
	case 0:
		return !f.Hop && !(a.certificates && certs.IsPeerHeader(f.Name.In(buf)))
	case http1.ContentLength:
		a.length = true
	case http1.TE:
		a.trailers = a.trailers || namesTrailers(f.Value.In(buf))
	case http1.Expect:
		return a.expects
	case http1.Host:
		return !a.rewritten
	case http1.ProxyAuthorization, http1.ProxyAuthenticate: // for this proxy, which asks for none
		return false
	case http1.XForwardedFor, http1.XForwardedProto, http1.XForwardedHost, http1.XForwardedPort, http1.XRealIP, http1.Forwarded:
		return !f.Hop && a.keepsTold(f, buf)
	}
	return !f.Hop
}

// keepsTold is keeps for what the client tells of itself, or a proxy of it.
func (a *asking) keepsTold(f *http1.Field, buf []byte) bool {
	trusted := a.trusted && !a.byForwarded
	switch told := a.forwarded; f.ID {
	case http1.XForwardedFor:
		switch {
		case a.excepted:
			return true
		case told.KeepFor:
			a.tellsFor = a.tellsFor || trusted
			return trusted
		}
		return !told.AppendFor && !told.ReplaceFor
	case http1.XForwardedProto:
		if told.Proto && trusted && !a.tellsProto && isScheme(f.Value.In(buf)) {
			a.tellsProto = true
			return true
		}
		return !told.Proto
	case http1.XForwardedHost:
		if told.Host && trusted && !a.tellsHost {
			a.tellsHost = true
			return true
		}
		return !told.Host
	case http1.XForwardedPort:
		if told.Port && trusted && !a.tellsPort && isPort(f.Value.In(buf)) {
			a.tellsPort = true
			return true
		}
		return !told.Port
	case http1.XRealIP:
		return !told.RealIP
	default:
		return !told.Standard
	}
}

func isPort(b []byte) bool {
	n, ok := http1.Number(b)
	return ok && 0 < n && n < 1<<16
}

func isScheme(b []byte) bool { return http1.EqualFold(b, "https") || http1.EqualFold(b, "http") }
