package drill

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Client asks for one page again and again, each time over a new connection, as a visitor would who comes just then.
type Client struct {
	Address  string        // host:port of the virtual address
	Interval time.Duration // between the starts of two requests
	Deadline time.Duration // for a whole request; later counts as failed
	// Dial opens the connection, in the client's network namespace.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Record gets every outcome.
	Record *Record
}

// Run asks until ctx ends and waits for the requests still out.
func (c *Client) Run(ctx context.Context) error {
	var out sync.WaitGroup
	defer out.Wait()
	ticker := time.NewTicker(c.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			out.Go(func() { c.Record.Add(c.ask()) })
		}
	}
}

// ask makes one request. A request is not cut short by the end of the run: it would count as failed.
func (c *Client) ask() Outcome {
	o := Outcome{Start: time.Now()}
	ctx, cancel := context.WithTimeout(context.Background(), c.Deadline)
	defer cancel()
	o.Server, o.Err = c.get(ctx)
	o.End = time.Now()
	return o
}

func (c *Client) get(ctx context.Context) (server string, err error) {
	conn, err := c.Dial(ctx, "tcp", c.Address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", c.Address); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %s", resp.Status)
	}
	return resp.Header.Get(ServerHeader), nil
}

// ServerHeader names the server that answered; the drill's own servers set it.
const ServerHeader = "X-Drill-Server"
