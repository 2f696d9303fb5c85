package rule

// defaultRedirectCode is 302, the code of HAProxy's redirect without one.
const defaultRedirectCode = 302

// Target returns the value of the Location header. host is the host that the request names, port and all; pathAndQuery
// is the canonical path of the request with the query it came with, "*" or empty where it has none.
//
// A change of scheme drops the port of host: nothing says that the port of the one scheme speaks the other, and the
// configuration names another port by a whole Location. Such a redirect has no target for a request that names no
// host: the result is empty then, and the request deserves a 400.
func (r *Redirect) Target(host, pathAndQuery string) string {
	if r.Scheme == "" {
		return r.Location
	}
	host = withoutPort(host)
	if host == "" {
		return ""
	}
	if pathAndQuery == "" || pathAndQuery == "*" {
		pathAndQuery = "/"
	}
	return r.Scheme + "://" + host + pathAndQuery
}
