package secure

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"unsafe"
)

// inside are three buffers of a tls.Conn that nothing exported leads to: of ciphertext, of plaintext, which lies in the former, and of
// messages of handshakes. crypto/tls keeps them as large as they ever were: 3.5 KB after a handshake, up to 37 KB after an upload,
// which is more than all the rest of an idle connection. And a record that is copied there first costs a copy and an allocation.
//
// That they can be emptied, and lent a record, rests on what bytes.Buffer and bytes.Reader are, on their names, and on nobody else
// pointing into an empty one; that names and types are these is seen here, the rest is tested with each release of Go. The zero
// inside, for a crypto/tls that looks otherwise, costs memory and nothing else.
type inside struct {
	raw, hand *bytes.Buffer
	input     *bytes.Reader
}

// look finds the buffers of c.
func look(c *tls.Conn) inside {
	i := inside{field[bytes.Buffer](c, "rawInput"), field[bytes.Buffer](c, "hand"), field[bytes.Reader](c, "input")}
	if i.raw == nil || i.hand == nil || i.input == nil {
		return inside{}
	}
	return i
}

// field finds a field of a tls.Conn; nil: there is none of that name and type.
func field[T any](c *tls.Conn, name string) *T {
	f, ok := reflect.TypeFor[tls.Conn]().FieldByName(name)
	if !ok || f.Type != reflect.TypeFor[T]() {
		return nil
	}
	return (*T)(unsafe.Add(unsafe.Pointer(c), f.Offset))
}

// known reports whether there is anything to work with.
func (i inside) known() bool { return i.raw != nil }

// lend has crypto/tls find a whole record in its buffer, where it decrypts it in place. It holds no other bytes.
func (i inside) lend(record []byte) { *i.raw = *bytes.NewBuffer(record) }

// empty reports whether crypto/tls holds no ciphertext.
func (i inside) empty() bool { return i.raw.Len() == 0 }

// trim takes memory away that holds nothing.
func (i inside) trim() {
	if i.raw.Len() == 0 {
		*i.raw = bytes.Buffer{}
	}
	if i.hand.Len() == 0 {
		*i.hand = bytes.Buffer{}
	}
	if i.input.Len() == 0 {
		*i.input = bytes.Reader{}
	}
}
