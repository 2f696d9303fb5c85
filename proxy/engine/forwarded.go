package engine

import (
	"bytes"
	"cmp"
	"net/netip"
	"strconv"

	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
)

// appendForwarded writes what a server is told about the client, in place of what came in under the same names.
func (s *stream) appendForwarded(dst []byte, a *asking, run *changes) []byte {
	s.introduce(a, run, func(name string, value []byte) {
		dst = append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
	})
	return dst
}

// encodeForwarded is appendForwarded for HTTP/2.
func (s *stream) encodeForwarded(e *http2.Encoder, dst []byte, a *asking, run *changes) []byte {
	s.introduce(a, run, func(name string, value []byte) { dst = e.Field(dst, []byte(name), value, false) })
	return dst
}

// introduce calls write for each field that tells a server about the client.
func (s *stream) introduce(a *asking, run *changes, write func(name string, value []byte)) {
	f, value := a.forwarded, s.core.value[:0]
	from := s.from.Addr()
	var scheme, host string
	if a.byForwarded {
		scheme, host = s.x.Told()
	}
	if (f.AppendFor || f.ReplaceFor || f.KeepFor && !a.tellsFor) && !a.excepted && !drops(run, "x-forwarded-for") {
		switch {
		case a.byForwarded && f.KeepFor:
			from = s.x.ClientIP()
		case a.byForwarded && f.AppendFor && s.x.ClientIP() != from.Unmap():
			value = append(s.x.ClientIP().AppendTo(value), ", "...)
		case f.AppendFor && a.trusted && !a.byForwarded:
			value = s.question.appendPrior(value, http1.XForwardedFor)
		}
		if value = appendFor(value, from); len(value) > 0 {
			write("X-Forwarded-For", value)
		}
	}
	if f.Proto && !a.tellsProto && !drops(run, "x-forwarded-proto") {
		value = append(value[:0], cmp.Or(scheme, s.scheme())...)
		write("X-Forwarded-Proto", value)
	}
	if f.RealIP && !drops(run, "x-real-ip") {
		if value = s.x.ClientIP().AppendTo(value[:0]); len(value) > 0 {
			write("X-Real-IP", value)
		}
	}
	if f.Host && !a.tellsHost && !drops(run, "x-forwarded-host") {
		if value = append(value[:0], host...); host == "" {
			value = append(value, s.question.authority...)
		}
		write("X-Forwarded-Host", value)
	}
	if f.Port && s.bind.Port != 0 && !a.tellsPort && !drops(run, "x-forwarded-port") {
		value = strconv.AppendUint(value[:0], uint64(s.bind.Port), 10)
		write("X-Forwarded-Port", value)
	}
	if f.Standard && !drops(run, "forwarded") {
		if value = value[:0]; a.trusted {
			value = s.question.appendPrior(value, http1.Forwarded)
		}
		value = s.appendStandard(value, s.from.Addr())
		write("Forwarded", value)
	}
	s.core.value = value[:0]
}

// appendFor writes the address of who has connected behind those that are in dst, each with a comma behind it. Who has come by a Unix socket
// has none.
func appendFor(dst []byte, from netip.Addr) []byte {
	if !from.IsValid() {
		return bytes.TrimSuffix(dst, []byte(", "))
	}
	return from.AppendTo(dst)
}

func (s *stream) scheme() string {
	if s.secure {
		return "https"
	}
	return "http"
}

// appendStandard writes an element of Forwarded (RFC 7239 section 4). "Note that as ":" and "[]" are not valid characters in "token", IPv6
// addresses are written as "quoted-string"" (section 4), and a host has a colon before its port.
func (s *stream) appendStandard(dst []byte, from netip.Addr) []byte {
	dst = append(dst, "for="...)
	switch {
	case !from.IsValid(): // of a Unix socket: "used when the identity of the preceding entity is not known" (section 6.2)
		dst = append(dst, "unknown"...)
	case from.Is4() || from.Is4In6():
		dst = from.Unmap().AppendTo(dst)
	default:
		dst = append(from.WithZone("").AppendTo(append(dst, "\"["...)), "]\""...)
	}
	dst = append(append(dst, ";proto="...), s.scheme()...)
	if host := s.question.authority; len(host) > 0 {
		dst = append(append(append(dst, ";host=\""...), host...), '"')
	}
	return dst
}

// appendPrior writes what came in under a name, in one list.
func (q *question) appendPrior(dst []byte, name http1.Name) []byte {
	for i := range q.fields {
		if f := &q.fields[i]; f.ID == name && !f.Hop && f.Value.Len() > 0 {
			dst = append(append(dst, f.Value.In(q.buf)...), ", "...)
		}
	}
	return dst
}
