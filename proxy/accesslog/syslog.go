package accesslog

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"time"
)

const (
	// patience is how long a syslog daemon may take nothing.
	patience = time.Second
	// redial is how long is waited after a daemon could not be reached.
	redial = time.Second
)

// syslog is a destination that takes each line as a datagram: "<PRI>Mmm dd hh:mm:ss tag[pid]: line" (RFC 3164 section 4.1),
// without a host name, which local daemons put in and HAProxy leaves out as well.
type syslog struct {
	output Output
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	now    func() time.Time
	head   []byte // "<PRI>"
	tag    []byte // " tag[pid]: "

	conn  net.Conn // nil: none
	after time.Time
	err   error // why there is none
	text  []byte
}

func newSyslog(o Output) *syslog {
	dialer := &net.Dialer{Timeout: patience}
	return &syslog{
		output: o, dial: dialer.DialContext, now: time.Now,
		head: []byte("<" + strconv.Itoa(8*o.Syslog.Facility+o.Syslog.Severity) + ">"),
		tag:  []byte(" " + o.Syslog.Tag + "[" + strconv.Itoa(os.Getpid()) + "]: "),
	}
}

// reopen implements destination: who could not be reached may be there again.
func (s *syslog) reopen() error {
	s.after = time.Time{}
	return nil
}

func (s *syslog) close() {
	if s.conn != nil {
		_ = s.conn.Close() // datagrams are sent or lost
		s.conn = nil
	}
}

// write implements destination. A daemon that was started anew is found again.
func (s *syslog) write(ctx context.Context, lines []byte) (lost int, err error) {
	now := s.now()
	s.text = append(s.text[:0], s.head...)
	s.text = now.AppendFormat(s.text, time.Stamp)
	s.text = append(s.text, s.tag...)
	head := len(s.text)
	again := true // once for these lines
	for len(lines) > 0 {
		end := bytes.IndexByte(lines, '\n')
		s.text = append(s.text[:head], lines[:end]...)
		err := s.send(ctx, s.text[:min(len(s.text), s.output.Syslog.Length)])
		if err != nil && again && ctx.Err() == nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			again = false
			s.close()
			continue
		}
		if err != nil {
			return count(lines), err
		}
		lines = lines[end+1:]
	}
	return 0, nil
}

// send sends one datagram.
func (s *syslog) send(ctx context.Context, b []byte) error {
	if s.conn == nil {
		if err := s.connect(ctx); err != nil {
			return err
		}
	}
	limit := patience
	if ctx.Err() != nil {
		limit = lastWords
	}
	if err := s.conn.SetWriteDeadline(s.now().Add(limit)); err != nil {
		return err
	}
	_, err := s.conn.Write(b)
	return err
}

// connect finds the daemon, not more often than each second.
func (s *syslog) connect(ctx context.Context) (err error) {
	now := s.now()
	if now.Before(s.after) {
		return s.err
	}
	network := "udp"
	if s.output.Kind == Unix {
		network = "unixgram"
	}
	if s.conn, err = s.dial(ctx, network, s.output.Address); err != nil {
		s.conn, s.err, s.after = nil, err, now.Add(redial)
	}
	return err
}
