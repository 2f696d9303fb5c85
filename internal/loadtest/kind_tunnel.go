package loadtest

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"time"
)

// webSocket upgrades a connection, sends octets both ways at the same time, and ends one direction after the other.
// The balancer does not look into a tunnel, so there are no frames.
func webSocket(w *worker) {
	s := w.script()
	s.Tunnel, s.Frame = true, ""
	s.Up = w.size()
	s.Down = s.Up
	c := w.dial(nil)
	if c == nil {
		return
	}
	defer c.Close()
	began := time.Now()
	w.conclude(s, c.LocalAddr().String(), began, c.tunnel(s))
}

func (c *conn) tunnel(s script) error {
	_ = c.SetDeadline(time.Now().Add(patience)) // an error shows in what follows
	if err := c.upgrade(s); err != nil {
		return err
	}
	sent := make(chan error, 1) // one value, sent by the writer
	go func() {
		w := bufio.NewWriter(c)
		err := send(w, s.up(), 0, w.Flush)
		if err == nil {
			err = ended(w.Flush())
		}
		if err == nil {
			err = ended(c.tcp.CloseWrite())
		}
		sent <- err
	}()
	_, err := s.up().verify(c.r)
	if err != nil {
		_ = c.Close() // the writer may wait for room
	}
	if other := <-sent; err == nil {
		err = other
	}
	return err
}

// upgrade sends a WebSocket handshake (RFC 6455, section 4) and wants the 101 of the server.
func (c *conn) upgrade(s script) error {
	nonce := sha1.Sum([]byte(s.sum()))
	key := base64.StdEncoding.EncodeToString(nonce[:16])
	request := s
	request.Up = -1 // what follows the head is no body
	head := options{method: http.MethodGet, fields: "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n"}
	w := bufio.NewWriter(c)
	c.head(w, request, head)
	if err := w.Flush(); err != nil {
		return lost{err}
	}
	resp, err := c.response(http.MethodGet)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		_, _ = io.Copy(io.Discard, resp.Body) // the status is what matters
		return fmt.Errorf("instead of an upgrade: %w", statusError(resp.StatusCode))
	}
	if got := resp.Header.Get("Upgrade"); got != "websocket" {
		return fmt.Errorf("upgraded to %q, want websocket", got)
	}
	return nil
}
