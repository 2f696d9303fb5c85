package http2

import (
	"strconv"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// Encoder makes the field blocks of a connection, one after another, in its owner's memory: Begin, then each field in its
// order, pseudo-fields first, then the block is sent, with no other call of its connection in between. One that is not sent is
// as if it had not been begun. The zero Encoder has no table.
//
// Responses use the table of fields, which makes those that repeat one octet each; requests do not, because those of many
// clients share a connection, and none of them is to learn what another one has sent (RFC 7541 section 7.1.1). Huffman's code is not
// used: the octets that it would save are few.
type Encoder struct {
	size int64 // of the block's fields, as SETTINGS_MAX_HEADER_LIST_SIZE counts

	table *table // nil until the second block, which most connections do not get to
	limit int    // of the table, in octets
	fresh bool   // the block that was begun last has added to the table
	stale bool   // the peer's table is another one: the next block has to empty it
	tells bool   // the block that was begun last does
	sends int    // blocks that were sent
}

// resize takes in what the peer says of its table. Of a larger one than usual nothing is made.
func (e *Encoder) resize(limit uint32) {
	if n := int(min(limit, tableSize)); n != e.limit {
		e.limit, e.stale, e.tells = n, true, false
	}
}

// Begin appends what the block has to begin with: after a change of the table's size, that it is empty and how large it is. Since
// "the smallest maximum table size that occurs in that interval MUST be signaled" (RFC 7541 section 4.2), that is none, and then the
// last one.
func (e *Encoder) Begin(dst []byte) []byte {
	e.size = 0
	if e.stale = e.stale || e.fresh; !e.stale {
		return dst
	}
	e.tells = true
	if e.table != nil {
		e.table.clear()
	}
	if dst = append(dst, 0x20); e.limit > 0 {
		dst = appendInt(dst, 0x20, 5, uint64(e.limit))
	}
	return dst
}

// sent notes that the block goes to the peer.
func (e *Encoder) sent() {
	e.fresh = false
	if e.tells {
		e.tells, e.stale = false, false
	}
	if e.sends++; e.sends == 2 && e.limit > 0 {
		e.table = &table{}
	}
}

// Size is how large the fields of the block that was begun last are, as SETTINGS_MAX_HEADER_LIST_SIZE counts.
func (e *Encoder) Size() int64 { return e.size }

// Block appends fields that another Encoder has made which has no table, as the zero one, for a connection that was not known then.
// size is its Size.
func (e *Encoder) Block(dst, block []byte, size int64) []byte {
	e.size += size
	return append(dst, block...)
}

// Status appends the :status of a response.
func (e *Encoder) Status(dst []byte, status int) []byte {
	e.count(len(":status"), 3)
	if i := statusIndex(status); i != 0 {
		return append(dst, 0x80|i)
	}
	dst = append(dst, 0x08, 3) // literal, the name that of index 8
	return strconv.AppendInt(dst, int64(status), 10)
}

// Target is what the pseudo-fields of a request say. Of CONNECT, Path is empty and HTTPS of no meaning (RFC 9113 section 8.5).
type Target struct {
	Method, Authority, Path []byte // Path with its query
	HTTPS                   bool
}

// Request appends the pseudo-fields of a request.
func (e *Encoder) Request(dst []byte, t *Target) []byte {
	switch string(t.Method) {
	case "GET":
		dst = append(dst, 0x82)
		e.count(len(":method"), 3)
	case "POST":
		dst = append(dst, 0x83)
		e.count(len(":method"), 4)
	default:
		dst = e.literal(dst, 2, ":method", t.Method)
	}
	if len(t.Path) > 0 {
		dst = e.scheme(dst, t.HTTPS)
		dst = e.path(dst, t.Path)
	}
	// It is told "unless the original request's target URI does not contain authority information" (RFC 9113 section 8.3.1).
	if len(t.Authority) == 0 {
		return dst
	}
	return e.literal(dst, 1, ":authority", t.Authority)
}

func (e *Encoder) scheme(dst []byte, https bool) []byte {
	if https {
		e.count(len(":scheme"), len("https"))
		return append(dst, 0x87)
	}
	e.count(len(":scheme"), len("http"))
	return append(dst, 0x86)
}

func (e *Encoder) path(dst, path []byte) []byte {
	if string(path) == "/" {
		e.count(len(":path"), 1)
		return append(dst, 0x84)
	}
	return e.literal(dst, 4, ":path", path)
}

// literal appends a field whose name has a number in the static table.
func (e *Encoder) literal(dst []byte, index uint64, name string, value []byte) []byte {
	e.count(len(name), len(value))
	dst = appendInt(dst, 0, 4, index)
	dst = appendInt(dst, 0, 7, uint64(len(value)))
	return append(dst, value...)
}

// count counts a field.
func (e *Encoder) count(name, value int) { e.size += int64(name) + int64(value) + fieldOverhead }

// statusIndex is the number of a :status in the static table (RFC 7541 appendix A); 0: it has none.
func statusIndex(status int) byte {
	switch status {
	case 200:
		return 8
	case 204:
		return 9
	case 206:
		return 10
	case 304:
		return 11
	case 400:
		return 12
	case 404:
		return 13
	case 500:
		return 14
	}
	return 0
}

// Field appends a field; secret keeps it out of the table, and out of those of whoever forwards it (RFC 7541 section 7.1.3).
// name may be in any case.
func (e *Encoder) Field(dst, name, value []byte, secret bool) []byte {
	e.count(len(name), len(value))
	switch {
	case secret:
		return appendLiteral(dst, 0x10, 4, name, value)
	case e.table == nil, len(name)+len(value) > longestKept:
		return appendLiteral(dst, 0, 4, name, value)
	}
	hash := hashOf(name, value)
	if i := e.table.find(hash, name, value); i > 0 {
		return appendInt(dst, 0x80, 7, uint64(i))
	}
	if !e.table.repeats(hash) || !e.table.add(hash, name, value, e.limit) {
		return appendLiteral(dst, 0, 4, name, value)
	}
	e.fresh = true
	return appendLiteral(dst, 0x40, 6, name, value)
}

// appendLiteral appends a field as a literal of a kind, which leaves so many bits for the number of a name (RFC 7541 section 6.2).
func appendLiteral(dst []byte, kind byte, bits uint, name, value []byte) []byte {
	var room [longestStatic]byte
	lower := room[:0]
	if len(name) <= longestStatic {
		lower = appendLower(lower, name)
	}
	if i, ok := staticNames[string(lower)]; ok {
		dst = appendInt(dst, kind, bits, uint64(i))
	} else {
		dst = appendInt(append(dst, kind), 0, 7, uint64(len(name)))
		dst = appendLower(dst, name)
	}
	dst = appendInt(dst, 0, 7, uint64(len(value)))
	return append(dst, value...)
}

// Length appends content-length, which Fields leaves out.
func (e *Encoder) Length(dst []byte, n int64) []byte {
	var room [20]byte
	return e.literal(dst, 28, "content-length", strconv.AppendInt(room[:0], n, 10))
}

// Fields appends the fields that are forwarded, in their order, as [http1.AppendFields] does. What stands in :authority is for
// drop to leave out of a request, the host field.
func (e *Encoder) Fields(dst, buf []byte, fields []http1.Field, drop func(*http1.Field) bool) []byte {
	for i := range fields {
		f := &fields[i]
		if f.Hop || drop != nil && drop(f) {
			continue
		}
		dst = e.Field(dst, f.Name.In(buf), f.Value.In(buf), IsSecret(f.ID))
	}
	return dst
}

// IsSecret reports whether a field is one that Field is to keep out of tables.
func IsSecret(n http1.Name) bool {
	switch n {
	case http1.Authorization, http1.ProxyAuthorization, http1.Cookie, http1.SetCookie:
		return true
	}
	return false
}

func appendLower(dst, name []byte) []byte {
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// appendInt appends a number behind a prefix of bits bits (RFC 7541 section 5.1).
func appendInt(dst []byte, first byte, bits uint, n uint64) []byte {
	limit := uint64(1)<<bits - 1
	if n < limit {
		return append(dst, first|byte(n))
	}
	dst = append(dst, first|byte(limit))
	for n -= limit; n >= 0x80; n >>= 7 {
		dst = append(dst, 0x80|byte(n))
	}
	return append(dst, byte(n))
}

// longestStatic is the length of the longest name in staticNames.
const longestStatic = len("access-control-allow-origin")

// staticNames are the numbers of the names in the static table (RFC 7541 appendix A). Never written.
var staticNames = map[string]uint8{
	"accept-charset": 15, "accept-encoding": 16, "accept-language": 17, "accept-ranges": 18, "accept": 19,
	"access-control-allow-origin": 20, "age": 21, "allow": 22, "authorization": 23, "cache-control": 24,
	"content-disposition": 25, "content-encoding": 26, "content-language": 27, "content-length": 28, "content-location": 29,
	"content-range": 30, "content-type": 31, "cookie": 32, "date": 33, "etag": 34, "expect": 35, "expires": 36, "from": 37,
	"host": 38, "if-match": 39, "if-modified-since": 40, "if-none-match": 41, "if-range": 42, "if-unmodified-since": 43,
	"last-modified": 44, "link": 45, "location": 46, "max-forwards": 47, "proxy-authenticate": 48,
	"proxy-authorization": 49, "range": 50, "referer": 51, "refresh": 52, "retry-after": 53, "server": 54, "set-cookie": 55,
	"strict-transport-security": 56, "transfer-encoding": 57, "user-agent": 58, "vary": 59, "via": 60,
	"www-authenticate": 61,
}
