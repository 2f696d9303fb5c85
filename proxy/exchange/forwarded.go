package exchange

import (
	"net/netip"
	"strings"
)

// Forwarded says which facts about the client a server is told.
type Forwarded struct {
	AppendFor  bool // X-Forwarded-For: the client's address joins what came in
	ReplaceFor bool // X-Forwarded-For: only the client's address
	Proto      bool // X-Forwarded-Proto
	RealIP     bool // X-Real-IP
}

// Fields calls set for each field that a server is told, in place of what came in under that name. prior is what came
// in as X-Forwarded-For, line by line.
func (f Forwarded) Fields(client netip.Addr, tls bool, prior []string, set func(name, value string)) {
	address := client.Unmap().WithZone("").String()
	if f.AppendFor && len(prior) > 0 {
		set("X-Forwarded-For", strings.Join(prior, ", ")+", "+address)
	} else if f.AppendFor || f.ReplaceFor {
		set("X-Forwarded-For", address)
	}
	if f.Proto && tls {
		set("X-Forwarded-Proto", "https")
	} else if f.Proto {
		set("X-Forwarded-Proto", "http")
	}
	if f.RealIP {
		set("X-Real-IP", address)
	}
}
