package vrrp

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// ErrNoInterface says that there is no interface of the name now; there may be one later.
var ErrNoInterface = errors.New("no such interface")

// Conn is what a Link needs of a socket that sends and receives whole IP packets of protocol 112, of one family, on one
// interface. Await belongs to one goroutine; Read and Write never wait and may be called from any.
type Conn interface {
	// Await returns nil when Read may find a packet, os.ErrDeadlineExceeded after the timeout, and another error when ctx
	// ends or the Conn is of no more use.
	Await(ctx context.Context, timeout time.Duration) error
	// Read takes the next packet that is waiting. It reports false when none is. b has room for maxPacket octets.
	Read(b []byte) (n int, ok bool, err error)
	// Write sends a packet to dst.
	Write(packet []byte, dst netip.Addr) error
	// Check returns an error when the interface that the Conn was opened on is no longer there.
	Check() error
	Close() error
}
