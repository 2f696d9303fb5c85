package exchange

import (
	"strings"

	"github.com/tandem-lb/tandem/proxy/rule"
)

// admit brings a target into the form that is matched and forwarded. It returns the status of the refusal, 0 where there is
// none.
func (x *Exchange) admit(t *Target) (status int) {
	if t.Method == "CONNECT" || t.Method == "TRACE" {
		return 501 // a tunnel to anywhere, and an echo of what a browser must not show its scripts
	}
	path, query := split(t.URI)
	if path != "*" || t.Method != "OPTIONS" {
		var err error
		if path, err = rule.CanonicalPath(path); err != nil {
			return 400
		}
	}
	r := &x.request // field by field: it is large
	r.Host, r.Path, r.Query, r.Method, r.Fields = t.Host, path, query, t.Method, t.Fields
	r.TLS, r.SNI, r.Client = t.TLS, t.SNI, t.Client.Addr()
	return 0
}

// split returns the path of a request target and its query with the question mark.
func split(uri string) (path, query string) {
	if i := strings.IndexByte(uri, '?'); i >= 0 {
		uri, query = uri[:i], uri[i:]
	}
	if uri == "" || uri[0] == '/' {
		return uri, query
	}
	if _, rest, absolute := strings.Cut(uri, "://"); absolute {
		_, path, _ = strings.Cut(rest, "/")
		return "/" + path, query
	}
	return uri, query
}

// upgrades reports whether a client may switch to the protocol, "name [ "/" version ]" (RFC 9110 section 7.8). HTTP/2 is none
// that it may switch to (RFC 9113 section 3.1 has removed it): what follows would get past the rules.
func upgrades(protocol string) bool {
	name, _, _ := strings.Cut(protocol, "/")
	return name != "" && !strings.Contains(protocol, ",") && !strings.EqualFold(name, "h2c") && !strings.EqualFold(name, "h2")
}
