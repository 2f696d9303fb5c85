package hello

// Reason is why what a client sends is no ClientHello that can be read. It is an error, and the label that it is counted by.
type Reason string

// The reasons.
const (
	NotTLS    Reason = "hello_not_tls"   // it begins with something else; every other protocol does
	TooLarge  Reason = "hello_too_large" // more than Most octets
	Malformed Reason = "hello_malformed"
)

func (r Reason) Error() string {
	switch r {
	case NotTLS:
		return "no TLS handshake"
	case TooLarge:
		return "TLS ClientHello is too large"
	}
	return "TLS ClientHello is malformed"
}

// Label is the reason in one word.
func (r Reason) Label() string { return string(r) }

// Most bounds what has to come, in octets: ten times what clients with keys of ML-KEM send.
const Most = 16 << 10

const (
	recordHeader    = 5
	maxRecord       = 16 << 10 // "The length MUST NOT exceed 2^14 bytes" (https://www.rfc-editor.org/rfc/rfc8446#section-5.1)
	handshake       = 22
	clientHello     = 1
	messageHeader   = 4
	extServerName   = 0
	nameTypeHost    = 0
	maxName         = 255
	randomLength    = 32
	versionLength   = 2
	maxSessionID    = 32
	legacyMajor     = 3
	lengthOfCiphers = 2
)

// ServerName reads the server_name extension (https://www.rfc-editor.org/rfc/rfc6066#section-3) of the ClientHello that b, all that a client
// has sent so far, begins with. done is false while more has to come. The name is a copy, as it came; empty: there is none. An error is a
// Reason.
func ServerName(b []byte) (name string, done bool, err error) {
	message, whole, err := join(b)
	if err != nil || !whole {
		if err == nil && len(b) >= Most {
			err = TooLarge
		}
		return "", err != nil, err
	}
	host, ok := serverName(reader(message))
	if !ok {
		return "", true, Malformed
	}
	return string(host), true, nil
}

// join returns the first handshake message without the headers of the records that it is cut into. whole: all of it is there.
func join(b []byte) (message []byte, whole bool, err error) {
	for first := true; ; first = false {
		if len(b) > 0 && b[0] != handshake || len(b) > 1 && b[1] != legacyMajor {
			return nil, false, ifElse(first, NotTLS, Malformed)
		}
		if len(b) < recordHeader {
			return nil, false, nil
		}
		n := int(b[3])<<8 | int(b[4])
		if n == 0 || n > maxRecord { // "Implementations MUST NOT send zero-length fragments of Handshake types"
			return nil, false, ifElse(first, NotTLS, Malformed)
		}
		b = b[recordHeader:]
		have := min(n, len(b))
		if first {
			message = b[:have:have] // what is in one record, as nearly always, is not copied
		} else {
			message = append(message, b[:have]...)
		}
		if whole, err := complete(message); whole || err != nil {
			return message, whole, err
		}
		if have < n {
			return nil, false, nil
		}
		b = b[n:]
	}
}

// complete reports whether a message that begins a handshake is a ClientHello of which all has come.
func complete(m []byte) (bool, error) {
	if len(m) > 0 && m[0] != clientHello {
		return false, NotTLS
	}
	if len(m) < messageHeader {
		return false, nil
	}
	n := int(m[1])<<16 | int(m[2])<<8 | int(m[3])
	if n > Most {
		return false, TooLarge
	}
	return len(m) >= messageHeader+n, nil
}

func ifElse(first bool, yes, no Reason) Reason {
	if first {
		return yes
	}
	return no
}

// reader is bytes that are read from the front. What is asked for and not there makes ok false.
type reader []byte

func (r *reader) take(n int) (b reader, ok bool) {
	if n > len(*r) {
		return nil, false
	}
	b, *r = (*r)[:n], (*r)[n:]
	return b, true
}

// vector takes a vector whose length is so many octets.
func (r *reader) vector(octets int) (b reader, ok bool) {
	head, ok := r.take(octets)
	if !ok {
		return nil, false
	}
	n := 0
	for _, c := range head {
		n = n<<8 | int(c)
	}
	return r.take(n)
}

// serverName finds the name in a ClientHello (https://www.rfc-editor.org/rfc/rfc8446#section-4.1.2). ok: it could be read.
func serverName(r reader) (name []byte, ok bool) {
	_, _ = r.take(1) // the type, which has been looked at
	m, ok := r.vector(messageHeader - 1)
	if !ok {
		return nil, false
	}
	if _, ok = m.take(versionLength + randomLength); !ok {
		return nil, false
	}
	if session, ok := m.vector(1); !ok || len(session) > maxSessionID {
		return nil, false
	}
	if _, ok = m.vector(lengthOfCiphers); !ok {
		return nil, false
	}
	if _, ok = m.vector(1); !ok { // compression
		return nil, false
	}
	if len(m) == 0 { // TLS 1.2 has clients without extensions
		return nil, true
	}
	extensions, ok := m.vector(2)
	if !ok || len(m) > 0 {
		return nil, false
	}
	return find(extensions)
}

// find looks for the name among the extensions.
func find(all reader) (name []byte, ok bool) {
	seen := false
	for len(all) > 0 {
		kind, ok := all.take(2)
		if !ok {
			return nil, false
		}
		body, ok := all.vector(2)
		if !ok {
			return nil, false
		}
		if kind[0] != 0 || kind[1] != extServerName {
			continue
		}
		if seen { // "There MUST NOT be more than one extension of the same type" (RFC 8446 section 4.2)
			return nil, false
		}
		seen = true
		if name, ok = hostName(body); !ok {
			return nil, false
		}
	}
	return name, true
}

// hostName reads the list of names: "The ServerNameList MUST NOT contain more than one name of the same name_type" (RFC 6066 section 3), and
// there is one type.
func hostName(body reader) (name []byte, ok bool) {
	list, ok := body.vector(2)
	if !ok || len(body) > 0 {
		return nil, false
	}
	kind, ok := list.take(1)
	if !ok || kind[0] != nameTypeHost {
		return nil, false
	}
	host, ok := list.vector(2)
	if !ok || len(list) > 0 || len(host) == 0 || len(host) > maxName {
		return nil, false
	}
	for _, c := range host {
		if c <= ' ' || c > '~' {
			return nil, false
		}
	}
	return host, true
}
