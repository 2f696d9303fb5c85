package e2e

import (
	"bufio"
	octets "encoding/binary" // binary is that of the daemon here
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// queryTime is what a statement may take.
const queryTime = 5 * time.Second

// pgSession is a client's session with PostgreSQL, of the simple protocol and without authentication
// (https://www.postgresql.org/docs/15/protocol-message-formats.html).
type pgSession struct {
	conn net.Conn
	r    *bufio.Reader
}

// openPG begins a session on a connection.
func openPG(conn net.Conn) (*pgSession, error) {
	s := &pgSession{conn: conn, r: bufio.NewReader(conn)}
	const version = 3 << 16
	body := octets.BigEndian.AppendUint32(nil, version)
	body = append(body, "user\x00postgres\x00database\x00postgres\x00\x00"...)
	if err := s.send(0, body); err != nil {
		return nil, err
	}
	_, err := s.answer()
	return s, err
}

// ask has a statement executed, and returns the first column of its rows.
func (s *pgSession) ask(statement string) ([]string, error) {
	if err := s.send('Q', append([]byte(statement), 0)); err != nil {
		return nil, err
	}
	return s.answer()
}

// send writes a message. The first one has no kind.
func (s *pgSession) send(kind byte, body []byte) error {
	var m []byte
	if kind != 0 {
		m = append(m, kind)
	}
	m = octets.BigEndian.AppendUint32(m, uint32(len(body)+4))
	if err := s.conn.SetDeadline(time.Now().Add(queryTime)); err != nil {
		return err
	}
	_, err := s.conn.Write(append(m, body...))
	return err
}

// answer reads until the server is ready for the next statement.
func (s *pgSession) answer() (rows []string, err error) {
	for {
		kind, body, err := s.message()
		if err != nil {
			return nil, err
		}
		switch kind {
		case 'R':
			if code := octets.BigEndian.Uint32(body); code != 0 {
				return nil, fmt.Errorf("the server asks for authentication %d", code)
			}
		case 'D':
			rows = append(rows, column(body))
		case 'E':
			return nil, fmt.Errorf("the server: %s", strings.ReplaceAll(string(body), "\x00", " "))
		case 'Z':
			return rows, nil
		}
	}
}

func (s *pgSession) message() (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(s.r, head[:]); err != nil {
		return 0, nil, err
	}
	const most = 1 << 20 // far more than these tests ask for
	n := octets.BigEndian.Uint32(head[1:])
	if n < 4 || n > most {
		return 0, nil, fmt.Errorf("a message %q of %d octets", head[0], n)
	}
	body = make([]byte, n-4)
	_, err = io.ReadFull(s.r, body)
	return head[0], body, err
}

// column is the first one of a row; empty where that is NULL.
func column(row []byte) string {
	if len(row) < 6 {
		return ""
	}
	n := int32(octets.BigEndian.Uint32(row[2:]))
	if n < 0 || int(n) > len(row)-6 {
		return ""
	}
	return string(row[6 : 6+n])
}
