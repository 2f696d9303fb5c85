package loadtest

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// awaitEnd waits, without reading, until the other side has ended a TCP connection or this one has closed it. A FIN that
// waits behind octets for which there is no room does not count: it holds memory of the kernel's as before.
func awaitEnd(c net.Conn) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return // it has been closed
	}
	for open := true; open; time.Sleep(10 * time.Millisecond) { // the poller tells of octets too, of which there are some
		err := raw.Control(func(fd uintptr) {
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			open = err == nil && info.State == tcpEstablished
		})
		open = open && err == nil
	}
}

// tcpEstablished is that of the kernel's enum in include/net/tcp_states.h.
const tcpEstablished = 1
