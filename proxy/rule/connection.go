package rule

import "github.com/tandem-lb/tandem/proxy/edit"

// OfConnection reports whether a rule looks at nothing but the client's connection, and sends it to a backend or refuses it. So it can be used
// where there is no request.
func (r *Rule) OfConnection() bool {
	answers := r.Redirect != nil || r.Respond != nil || r.Auth != nil || r.Rate != nil
	changes := r.Rewrite != nil || r.MaxBody > 0 || r.AsItIs || len(r.RequestEdits)+len(r.ResponseEdits) > 0
	return !answers && !changes && (r.Map == nil || ofConnection(r.Map.Key)) && r.SplitKey == "" && r.Match.OfConnection()
}

// ofConnection reports whether a template has no variables but those that are known of connections. One that cannot be read has none: whoever
// compiles it says so.
func ofConnection(text string) bool {
	t, err := edit.Parse(text, edit.Request)
	return err != nil || !t.Uses(edit.Host, edit.Authority, edit.Method, edit.Path, edit.Query, edit.RequestID, edit.Header, edit.Cookie, edit.Map, edit.Scheme, edit.TLSVersion, edit.ClientPort, edit.Backend)
}

// OfConnection reports whether a match looks at nothing but the client's connection: its source, whether it is TLS, and the name asked for in
// the handshake. So it can be used where there is no request.
func (m Match) OfConnection() bool {
	if m.Host+m.Path+m.PathPrefix+m.PathRegexp != "" || len(m.Method)+len(m.Header)+len(m.Query)+len(m.Cookie) > 0 {
		return false
	}
	if m.Not != nil && !m.Not.OfConnection() {
		return false
	}
	for _, list := range [][]Match{m.All, m.Any} {
		for _, sub := range list {
			if !sub.OfConnection() {
				return false
			}
		}
	}
	return true
}
