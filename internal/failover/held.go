package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// How much is held while a fault happens.
const (
	slowRequests    = 20
	idleConnections = 20
	downloads       = 5
	uploads         = 5
)

const (
	grace    = time.Second // how late a held request may end on a machine with time
	lateIdle = time.Second // how long an idle connection may take for its next answer
)

// tally is how much of what was held got lost.
type tally struct {
	slow, idle, downloads, uploads int
}

// most is the worse of two tallies, kind by kind.
func most(a, b tally) tally {
	return tally{
		slow: max(a.slow, b.slow), idle: max(a.idle, b.idle),
		downloads: max(a.downloads, b.downloads), uploads: max(a.uploads, b.uploads),
	}
}

// dial connects from the client's node.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

// held is what a client holds.
type held struct {
	address  string
	dial     dial
	grace    time.Duration // how late a held request may end
	idle     []*visitor
	released bool // its idle connections were asked
	wg       sync.WaitGroup

	mu   sync.Mutex
	lost tally // guarded by mu
}

// begin begins everything and returns when the servers have it all. The caller must close h in any case.
func (h *held) begin(ctx context.Context, begun func() int64) error {
	for range idleConnections {
		v, err := h.visit(ctx)
		if err == nil {
			h.idle = append(h.idle, v)
			err = v.get("/", lateIdle)
		}
		if err != nil {
			return fmt.Errorf("hold idle connections: %w", err)
		}
	}
	want := begun() + slowRequests + downloads + uploads
	h.each(ctx, slowRequests, &h.lost.slow, func(v *visitor) error { return v.get("/slow", heldFor+h.grace) })
	h.each(ctx, downloads, &h.lost.downloads, func(v *visitor) error { return v.get("/download", heldFor+h.grace) })
	h.each(ctx, uploads, &h.lost.uploads, func(v *visitor) error { return v.put(heldFor + grace) })
	for began := time.Now(); begun() < want; {
		if time.Since(began) > heldFor/3 || ctx.Err() != nil {
			return fmt.Errorf("hold requests: %d of them did not reach a server", want-begun())
		}
		time.Sleep(time.Millisecond) // the servers count and have no events
	}
	return nil
}

// each does something over n connections and counts those where it fails.
func (h *held) each(ctx context.Context, n int, lost *int, do func(*visitor) error) {
	for range n {
		h.wg.Go(func() {
			v, err := h.visit(ctx)
			if err == nil {
				defer v.close()
				err = do(v)
			}
			if err != nil {
				h.mu.Lock()
				defer h.mu.Unlock()
				*lost++
			}
		})
	}
}

// release waits for the end of the requests, asks once more over each idle connection, and says what was lost. Releasing
// again says the same.
func (h *held) release() tally {
	h.wg.Wait()
	if h.released {
		return h.lost
	}
	h.released = true
	for _, v := range h.idle {
		h.wg.Go(func() {
			if err := v.get("/", lateIdle); err != nil {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.lost.idle++
			}
		})
	}
	h.wg.Wait()
	return h.lost
}

// close waits for the end of the requests and closes the idle connections.
func (h *held) close() {
	h.wg.Wait()
	for _, v := range h.idle {
		v.close()
	}
}

// visitor is one connection of the client.
type visitor struct {
	conn net.Conn
	r    *bufio.Reader
	host string
}

func (h *held) visit(ctx context.Context) (*visitor, error) {
	ctx, cancel := context.WithTimeout(ctx, lateIdle)
	defer cancel()
	conn, err := h.dial(ctx, "tcp", h.address)
	if err != nil {
		return nil, err
	}
	return &visitor{conn: conn, r: bufio.NewReader(conn), host: h.address}, nil
}

func (v *visitor) close() { _ = v.conn.Close() } // what matters was read

// get asks for a page and reads the whole answer.
func (v *visitor) get(path string, within time.Duration) error {
	if err := v.conn.SetDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(v.conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, v.host); err != nil {
		return err
	}
	_, err := v.answer()
	return err
}

// put uploads at a pace, and wants to hear that everything has arrived.
func (v *visitor) put(within time.Duration) error {
	if err := v.conn.SetDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	size := strconv.Itoa(chunks * chunkSize)
	if _, err := fmt.Fprintf(v.conn, "PUT /upload HTTP/1.1\r\nHost: %s\r\nContent-Length: %s\r\n\r\n", v.host, size); err != nil {
		return err
	}
	began := time.Now()
	for i := range chunks {
		if _, err := v.conn.Write(make([]byte, chunkSize)); err != nil {
			return err
		}
		time.Sleep(time.Until(began.Add(time.Duration(i+1) * pace)))
	}
	body, err := v.answer()
	if err == nil && body != size {
		err = fmt.Errorf("%q octets arrived, want %s", body, size)
	}
	return err
}

// answer reads a response with status 200, and the whole of its body.
func (v *visitor) answer() (body string, err error) {
	resp, err := http.ReadResponse(v.r, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", resp.Status)
	}
	return string(text), err
}
