package exchange

import "github.com/tandem-lb/tandem/proxy/rule"

// Forwarded says which facts about the client a server is told. What came in about them is believed of trusted proxies alone, and goes
// otherwise.
type Forwarded struct {
	AppendFor  bool // X-Forwarded-For: the address of the other end joins what a trusted proxy tells
	ReplaceFor bool // X-Forwarded-For: only the address of the other end
	KeepFor    bool // X-Forwarded-For: what a trusted proxy tells, else the address of the other end
	Proto      bool // X-Forwarded-Proto
	RealIP     bool // X-Real-IP: the client's address
	Host       bool // X-Forwarded-Host: the host that the client asked for
	Port       bool // X-Forwarded-Port: the port that the client connected to
	Standard   bool // Forwarded (RFC 7239)

	Except *rule.Networks // of other ends for which X-Forwarded-For stays as it came; nil: none
}
