package http1

// Name is a field name that means something to the codec, or to whoever forwards.
type Name uint8

// The names.
const (
	Host Name = iota + 1
	ContentLength
	TransferEncoding
	Connection
	KeepAlive
	ProxyConnection
	Upgrade
	HTTP2Settings
	TE
	Trailer
	Expect
	Authorization
	ProxyAuthorization
	ProxyAuthenticate
	Cookie
	SetCookie
	XForwardedFor
	XForwardedProto
	XRealIP
	XForwardedHost
	XForwardedPort
	Forwarded
)

// hop marks the names whose fields concern one connection alone (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2). The
// framing of a message is each connection's own too.
var hop = [Forwarded + 1]bool{
	ContentLength: true, TransferEncoding: true, Connection: true, KeepAlive: true, ProxyConnection: true, Upgrade: true,
	HTTP2Settings: true, TE: true,
}

// Hop reports whether fields of that name concern one connection alone.
func (n Name) Hop() bool { return hop[n] }

// NameOf looks a token up. Its length and first letter leave one or two names to compare with.
func NameOf(b []byte) Name {
	is := func(word string, n Name) Name {
		if b[0]|0x20 == word[0] && EqualFold(b, word) {
			return n
		}
		return 0
	}
	switch len(b) {
	case 2:
		return is("te", TE)
	case 4:
		return is("host", Host)
	case 6:
		return is("expect", Expect) | is("cookie", Cookie)
	case 7:
		return is("upgrade", Upgrade) | is("trailer", Trailer)
	case 9:
		return is("x-real-ip", XRealIP) | is("forwarded", Forwarded)
	case 10:
		return is("connection", Connection) | is("keep-alive", KeepAlive) | is("set-cookie", SetCookie)
	case 13:
		return is("authorization", Authorization)
	case 14:
		return is("content-length", ContentLength) | is("http2-settings", HTTP2Settings)
	case 15:
		return is("x-forwarded-for", XForwardedFor)
	case 16:
		return is("proxy-connection", ProxyConnection) | is("x-forwarded-host", XForwardedHost) | is("x-forwarded-port", XForwardedPort)
	case 17:
		return is("transfer-encoding", TransferEncoding) | is("x-forwarded-proto", XForwardedProto)
	case 18:
		return is("proxy-authenticate", ProxyAuthenticate)
	case 19:
		return is("proxy-authorization", ProxyAuthorization)
	}
	return 0
}
