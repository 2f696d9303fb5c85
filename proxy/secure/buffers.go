package secure

// Buffers lends memory to the Conns of one owner. It is called from the owner's goroutine alone.
type Buffers interface {
	// Get returns a slice of length 0 and a capacity of n or more.
	Get(n int) []byte
	// Put takes back what Get returned.
	Put(b []byte)
}

// classes are the capacities that a FreeList hands out: for a head or a small response, for one record of 16 KB with all that TLS
// adds to it, for what 64 KB of plaintext become, and twice that. What is larger is made for the purpose and not kept.
var classes = [...]int{2 << 10, 18 << 10, 72 << 10, 144 << 10}

// freeBytes is how much memory a class keeps: 256 blocked clients with a record each, 64 with 64 KB, find it there.
const freeBytes = 4608 << 10

// FreeList is a Buffers that keeps what is given back. The zero FreeList is ready to use.
type FreeList struct{ free [len(classes)][][]byte }

var _ Buffers = (*FreeList)(nil)

// Get returns a slice of length 0 and a capacity of n or more.
func (f *FreeList) Get(n int) []byte {
	for i, size := range classes {
		if n > size {
			continue
		}
		all := f.free[i]
		if len(all) == 0 {
			return make([]byte, 0, size)
		}
		b := all[len(all)-1]
		all[len(all)-1] = nil
		f.free[i] = all[:len(all)-1]
		return b
	}
	return make([]byte, 0, n)
}

// Put takes back what Get returned.
func (f *FreeList) Put(b []byte) {
	for i, size := range classes {
		if cap(b) == size && (len(f.free[i])+1)*size <= freeBytes {
			f.free[i] = append(f.free[i], b[:0])
		}
	}
}
