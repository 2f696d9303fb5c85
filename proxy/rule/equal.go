package rule

import "slices"

// Equal reports whether two conditions are written alike, so that they hold for the same requests.
func (m *Match) Equal(o *Match) bool {
	tls := m.TLS == nil && o.TLS == nil || m.TLS != nil && o.TLS != nil && *m.TLS == *o.TLS
	not := m.Not == nil && o.Not == nil || m.Not != nil && o.Not != nil && m.Not.Equal(o.Not)
	return tls && not && m.Host == o.Host && m.Path == o.Path && m.PathPrefix == o.PathPrefix && m.PathRegexp == o.PathRegexp && m.SNI == o.SNI &&
		slices.Equal(m.Method, o.Method) && slices.Equal(m.Header, o.Header) && slices.Equal(m.Query, o.Query) && slices.Equal(m.Cookie, o.Cookie) &&
		slices.Equal(m.Source, o.Source) && equal(m.All, o.All) && equal(m.Any, o.Any)
}

func equal(a, b []Match) bool {
	return slices.EqualFunc(a, b, func(m, o Match) bool { return m.Equal(&o) })
}
