package loadtest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
)

// errCleanEnd is the worst that can happen to a body: it stops short and nothing tells the receiver.
var errCleanEnd = errors.New("it ended as if it were whole")

// body is octets that both ends can make out of a number, so that neither has to be told what the other sent.
type body struct {
	seed uint64
	size int64 // octets
}

// stream returns the body's octets, without end.
func (b body) stream() *rand.ChaCha8 {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], b.seed)
	return rand.NewChaCha8(seed)
}

// reader returns the body.
func (b body) reader() io.Reader { return io.LimitReader(b.stream(), b.size) }

// piece is how much of a body is made or compared at a time.
const piece = 16 << 10

// verify reads r to its end and compares each octet. It returns how many were right.
func (b body) verify(r io.Reader) (right int64, err error) {
	var got, want [piece]byte
	stream := b.stream()
	for {
		n, err := r.Read(got[:])
		more := int64(n) > b.size-right
		n = int(min(int64(n), b.size-right))
		_, _ = stream.Read(want[:n]) // never fails
		if !bytes.Equal(got[:n], want[:n]) {
			i := 0
			for got[i] == want[i] {
				i++
			}
			return right + int64(i), fmt.Errorf("octet %d of a body of %d is %#02x, want %#02x", right+int64(i), b.size, got[i], want[i])
		}
		right += int64(n)
		switch {
		case more:
			return right, fmt.Errorf("a body of %d octets goes on", b.size)
		case err == io.EOF && right < b.size:
			return right, fmt.Errorf("body of %d octets: %w after %d", b.size, errCleanEnd, right)
		case err == io.EOF:
			return right, nil
		case err != nil:
			return right, lost{fmt.Errorf("body of %d octets broke off after %d: %w", b.size, right, err)}
		}
	}
}
