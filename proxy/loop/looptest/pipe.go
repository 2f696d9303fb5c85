package looptest

import (
	"slices"
	"syscall"
)

// page is what one place of a pipe holds at most.
const page = 4 << 10

// pipe is both ends of one. What a Splice moves takes a place for itself, however little it is, as in the kernel.
type pipe struct {
	pieces [][]byte
	places int
}

func (k *kernel) Pipe(size int) (read, write, granted int, err error) {
	if err := k.net.begins(OpPipe); err != nil {
		return 0, 0, 0, err
	}
	if k.net.PipeSize > 0 {
		size = k.net.PipeSize
	}
	p := &pipe{places: size / page}
	return k.net.open(p), k.net.open(p), size, nil
}

func (k *kernel) Splice(from, to, most int) (int, error) {
	planned := k.net.begins(OpSplice)
	if p, in := k.net.file(to).(*pipe); in {
		return p.fill(at[*conn](k.net, OpSplice, from), most, planned)
	}
	return at[*pipe](k.net, OpSplice, from).drain(at[*conn](k.net, OpSplice, to), most, planned)
}

func (p *pipe) fill(c *conn, most int, planned error) (int, error) {
	switch {
	case planned != nil:
		c.fails(planned, c.hide)
		return 0, planned
	case len(p.pieces) == p.places:
		return 0, syscall.EAGAIN
	}
	piece := make([]byte, min(most, page))
	n, err := c.recv(piece)
	if n > 0 {
		p.pieces = append(p.pieces, piece[:n])
	}
	return n, err
}

func (p *pipe) drain(c *conn, most int, planned error) (int, error) {
	switch {
	case len(p.pieces) == 0:
		return 0, syscall.EAGAIN
	case planned != nil:
		c.fails(planned, c.stall)
		return 0, planned
	}
	all := slices.Concat(p.pieces...)
	n, err := c.send(all[:min(most, len(all))], false)
	for left := n; left > 0; {
		first := &p.pieces[0]
		moved := min(left, len(*first))
		left -= moved
		if *first = (*first)[moved:]; len(*first) == 0 {
			p.pieces = p.pieces[1:]
		}
	}
	return n, err
}

// fails has a call fail that was to: EAGAIN is taken back by later, anything but EINTR is the end of the connection.
func (c *conn) fails(err error, later func()) {
	switch err {
	case syscall.EAGAIN:
		later()
	case syscall.EINTR:
	default:
		c.breaks(nil)
	}
}
