package resolve

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

const (
	// udpSize is how large an answer by UDP may be: it passes every network without fragments.
	udpSize = 1232
	// maxStray bounds how many messages are looked at that are no answer to a question: whoever guesses has few tries.
	maxStray = 64
	// maxPacket is the largest message that is taken by UDP, in octets, more than was asked for: not everybody keeps to that.
	maxPacket = 4096
)

// errSilent says that a nameserver has not answered.
var errSilent = errors.New("no answer")

// counters are Counters while they change.
type counters struct {
	questions, timeouts, truncated, badPackets, failures atomic.Int64
}

func (c *counters) read() Counters {
	return Counters{
		Questions: c.questions.Load(), Timeouts: c.timeouts.Load(), Truncated: c.truncated.Load(), BadPackets: c.badPackets.Load(),
		Failures: c.failures.Load(),
	}
}

// ask puts a question to one nameserver after the other until one has an answer, be it that there is none. The one that had the last is asked
// first: while another one is dead it costs nothing.
func (c *client) ask(ctx context.Context, cfg *Config, servers []netip.AddrPort, q question) (r reply, err error) {
	first := int(c.first.Load())
	for range cfg.Attempts {
		for i := range servers {
			at := (first + i) % len(servers)
			r, err = c.exchange(ctx, cfg.Timeout, servers[at], q)
			if err == nil || isAbsent(err) {
				c.first.Store(int32(at))
				return r, err
			}
			err = fmt.Errorf("nameserver %v: %w", servers[at], err)
			if ctx.Err() != nil {
				return reply{}, err
			}
		}
	}
	return reply{}, err
}

// exchange puts a question to one nameserver, in whatever way that needs.
func (c *client) exchange(ctx context.Context, timeout time.Duration, server netip.AddrPort, q question) (reply, error) {
	edns := true
	r, err := c.once(ctx, timeout, "udp", server, q, edns)
	if errors.Is(err, errFormat) { // RFC 6891 section 7: it may not know EDNS
		edns = false
		r, err = c.once(ctx, timeout, "udp", server, q, edns)
	}
	if errors.Is(err, errTruncated) {
		c.counts.truncated.Add(1)
		r, err = c.once(ctx, timeout, "tcp", server, q, edns)
	}
	return r, err
}

// once sends a question and waits for its answer.
func (c *client) once(ctx context.Context, timeout time.Duration, network string, server netip.AddrPort, q question, edns bool) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	id := dns.Id() // by chance, as the port is that the kernel chooses for a new socket
	packet, err := q.message(id, edns).Pack()
	if err != nil {
		return reply{}, fmt.Errorf("ask for %s: %w", q.name, err)
	}
	c.counts.questions.Add(1)
	conn, err := (&net.Dialer{}).DialContext(ctx, network, server.String())
	if err != nil {
		return reply{}, c.unanswered(err, timeout)
	}
	defer func() { _ = conn.Close() }() // it has answered, or is given up
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	send, receive := writeDatagram, readDatagram
	if network == "tcp" {
		send, receive = writeStream, readStream
	}
	if err := send(conn, packet); err != nil {
		return reply{}, c.unanswered(err, timeout)
	}
	for range maxStray {
		packet, err := receive(conn)
		if err != nil {
			return reply{}, c.unanswered(err, timeout)
		}
		r, err := q.read(packet, id)
		if !errors.Is(err, errStray) {
			return r, err
		}
		c.counts.badPackets.Add(1)
	}
	return reply{}, fmt.Errorf("%w among %d messages", errSilent, maxStray)
}

// unanswered is the error of a question that got no answer.
func (c *client) unanswered(err error, timeout time.Duration) error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		c.counts.timeouts.Add(1)
		return fmt.Errorf("%w within %v", errSilent, timeout)
	}
	return fmt.Errorf("%w: %w", errSilent, err)
}

func writeDatagram(conn net.Conn, packet []byte) error {
	_, err := conn.Write(packet)
	return err
}

func readDatagram(conn net.Conn) ([]byte, error) {
	packet := make([]byte, maxPacket)
	n, err := conn.Read(packet)
	return packet[:n], err
}

// writeStream writes a message with its length before it (RFC 1035 section 4.2.2).
func writeStream(conn net.Conn, packet []byte) error {
	_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...))
	return err
}

func readStream(conn net.Conn) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	packet := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, packet)
	return packet, err
}
