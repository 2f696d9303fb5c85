package vip

import (
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxBatch bounds the requests of one message: their answers must fit the socket's buffer, and another Set's turn is to
// come within a millisecond or two.
const maxBatch = 64

// What is asked of an address.
const (
	addFlags   = unix.NLM_F_CREATE | unix.NLM_F_EXCL
	renewFlags = unix.NLM_F_CREATE | unix.NLM_F_REPLACE
)

// batcher changes addresses, many with one system call: each such call costs as much as the change itself.
type batcher struct {
	mu     sync.Mutex // one batch at a time, as there is one socket
	socket *netlinkSocket
	seq    uint32
	out    []byte
}

// change asks the kernel for the same change of each address, in order, and returns one error an address.
func (b *batcher) change(typ uint16, flags uint16, addrs []Address, lease time.Duration) []error {
	errs := make([]error, len(addrs))
	for first := 0; first < len(addrs); first += maxBatch {
		last := min(first+maxBatch, len(addrs))
		b.batch(typ, flags, addrs[first:last], lease, errs[first:last])
	}
	return errs
}

// batch is change of at most maxBatch addresses.
func (b *batcher) batch(typ, flags uint16, addrs []Address, lease time.Duration, errs []error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out = b.out[:0]
	begin := b.seq + 1
	asked := 0
	indexes := map[string]int{}
	for i, a := range addrs {
		b.seq++
		index, ok := indexes[a.Interface]
		if !ok {
			var err error
			if index, err = b.socket.index(a.Interface); err != nil {
				errs[i] = err
				continue
			}
			indexes[a.Interface] = index
		}
		b.out = appendRequest(b.out, typ, flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK, b.seq, a, index, lease)
		errs[i] = errUnanswered
		asked++
	}
	if asked == 0 {
		return
	}
	err := b.socket.send(b.out)
	if err == nil {
		err = b.answers(begin, asked, errs)
	}
	for i := range errs {
		if err != nil && errors.Is(errs[i], errUnanswered) {
			errs[i] = err
		}
	}
}

// errUnanswered marks a request until its answer is there.
var errUnanswered = errors.New("no answer")

// answers reads the answers to the requests numbered from begin.
func (b *batcher) answers(begin uint32, asked int, errs []error) error {
	deadline := time.Now().Add(rtnlTimeout)
	for asked > 0 {
		msgs, err := b.socket.receive(deadline)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return unix.ETIMEDOUT
		}
		if err != nil {
			return err
		}
		for _, m := range msgs {
			i := m.Header.Seq - begin
			if int64(i) >= int64(len(errs)) || !errors.Is(errs[i], errUnanswered) {
				continue // the late answer to a batch that was given up
			}
			if err, ok := answer(m); ok {
				errs[i] = err
				asked--
			}
		}
	}
	return nil
}

// answer reads struct nlmsgerr: the negative error number, or 0 (netlink(7)).
func answer(m syscall.NetlinkMessage) (err error, ok bool) {
	if m.Header.Type != unix.NLMSG_ERROR || len(m.Data) < 4 {
		return nil, false
	}
	if code := int32(binary.NativeEndian.Uint32(m.Data)); code != 0 {
		return unix.Errno(-code), true
	}
	return nil, true
}

// appendRequest appends a message that adds, renews or removes an address: struct nlmsghdr, struct ifaddrmsg, attributes
// (rtnetlink(7)).
func appendRequest(b []byte, typ, flags uint16, seq uint32, a Address, index int, lease time.Duration) []byte {
	start := len(b)
	local := a.Prefix.Addr().AsSlice()
	family, scope := uint8(unix.AF_INET), uint8(a.Scope)
	if a.Prefix.Addr().Is6() {
		family, scope = unix.AF_INET6, 0
	}
	b = binary.NativeEndian.AppendUint32(b, 0) // the length, below
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = binary.NativeEndian.AppendUint32(b, 0) // the port, which the kernel fills in
	b = append(b, family, uint8(a.Prefix.Bits()), 0, scope)
	b = binary.NativeEndian.AppendUint32(b, uint32(index))
	b = appendAttribute(b, unix.IFA_LOCAL, local)
	other := local
	if a.Peer.IsValid() {
		other = a.Peer.AsSlice()
	}
	b = appendAttribute(b, unix.IFA_ADDRESS, other)
	if typ == unix.RTM_NEWADDR {
		b = appendOptions(b, a, lease)
	}
	binary.NativeEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}
