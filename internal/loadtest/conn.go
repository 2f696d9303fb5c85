package loadtest

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"time"
)

// patience bounds each request, and each handshake.
const patience = 30 * time.Second

// conn is one HTTP/1 connection to the balancer.
type conn struct {
	net.Conn
	tcp   *net.TCPConn // below Conn
	w     *worker
	r     *bufio.Reader
	spent bool   // the balancer has said that it closes it, or it is broken
	jar   string // the cookie that came last, as it is sent back; empty: none
}

// dial opens a plain connection; with config one of TLS. An error is concluded here, and gives nil.
func (w *worker) dial(config *tls.Config) *conn {
	address := w.Target.Plain
	if config != nil {
		address = w.Target.TLS
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := w.Target.Dial(ctx, "tcp", address)
	if err != nil {
		w.conclude(w.script(), "", began, fmt.Errorf("connect: %w", err))
		return nil
	}
	one := &conn{Conn: c, tcp: c.(*net.TCPConn), w: w}
	if config != nil {
		secured := tls.Client(c, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			w.conclude(w.script(), c.LocalAddr().String(), began, fmt.Errorf("TLS handshake: %w", err))
			_ = c.Close()
			return nil
		}
		one.Conn = secured
	}
	one.r = bufio.NewReader(one.Conn)
	return one
}

// ask sends a request and reads its response, and concludes.
func (c *conn) ask(s script, o options) error {
	began := time.Now()
	err := c.exchange(s, o)
	c.w.conclude(s, c.LocalAddr().String(), began, err)
	if err != nil {
		c.spent = true
	}
	return err
}

// options are what a request has beside its script.
type options struct {
	method  string // "": GET, and POST with a body
	version string // "": HTTP/1.1
	fields  string // further lines, each with its CRLF
	chunked bool   // the request's body is
	expect  bool   // a 100 is awaited before the body
	pace    time.Duration
}

func (o options) verb(s script) string {
	switch {
	case o.method != "":
		return o.method
	case s.Up >= 0:
		return http.MethodPost
	default:
		return http.MethodGet
	}
}

// exchange does it all. The response is awaited even where the request cannot be sent whole: it may say why.
func (c *conn) exchange(s script, o options) error {
	_ = c.SetDeadline(time.Now().Add(patience)) // an error shows in what follows
	sent := c.send(s, o)
	if o.expect && sent != nil {
		return sent // what should have been a 100 has been read
	}
	if err := c.receive(s, o); err != nil {
		if sent != nil {
			err = fmt.Errorf("%w; not sent: %v", err, sent) // which is no more than a consequence
		}
		return err
	}
	if sent != nil {
		return fmt.Errorf("a good response to a request of which this was not sent: %w", sent)
	}
	return nil
}

// send writes a request.
func (c *conn) send(s script, o options) error {
	w := bufio.NewWriter(c)
	c.head(w, s, o)
	if o.expect {
		if err := w.Flush(); err != nil {
			return lost{err}
		}
		if err := c.awaitContinue(); err != nil {
			return err
		}
	}
	if s.Up < 0 {
		return ended(w.Flush())
	}
	to := io.Writer(w)
	var chunks io.WriteCloser
	if o.chunked {
		chunks = httputil.NewChunkedWriter(w)
		to = chunks
	}
	if err := send(to, s.up(), o.pace, w.Flush); err != nil {
		return err
	}
	if chunks != nil {
		_ = chunks.Close() // writes into memory; Flush has the error
		if s.Trailer {
			fmt.Fprintf(w, "%s: %s\r\n", sumField, s.sum())
		}
		fmt.Fprintf(w, "\r\n")
	}
	return ended(w.Flush())
}

// ended makes an error of a connection one of its end.
func ended(err error) error {
	if err == nil {
		return nil
	}
	return lost{err}
}

func (c *conn) head(w io.Writer, s script, o options) {
	version := o.version
	if version == "" {
		version = "HTTP/1.1"
	}
	fmt.Fprintf(w, "%s %s %s\r\nHost: %s\r\n%s", o.verb(s), s.target(), version, host, o.fields)
	switch {
	case o.chunked:
		fmt.Fprintf(w, "Transfer-Encoding: chunked\r\n")
		if s.Trailer {
			fmt.Fprintf(w, "Trailer: %s\r\n", sumField)
		}
	case s.Up >= 0:
		fmt.Fprintf(w, "Content-Length: %d\r\n", s.Up)
	}
	if o.expect {
		fmt.Fprintf(w, "Expect: 100-continue\r\n")
	}
	fmt.Fprintf(w, "\r\n")
}

// awaitContinue reads a 100, and nothing else: a final response would be the answer to a request without its body.
func (c *conn) awaitContinue() error {
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return lost{fmt.Errorf("instead of a 100: %w", err)}
	}
	if resp.StatusCode != http.StatusContinue {
		c.spent = true
		return fmt.Errorf("instead of a 100: %w", statusError(resp.StatusCode))
	}
	c.w.Report.note("100 Continue")
	return nil
}

// receive reads and judges the response to a request.
func (c *conn) receive(s script, o options) error {
	resp, err := c.response(o.verb(s))
	if err != nil {
		return err
	}
	c.spent = c.spent || resp.Close
	if err := s.wantHead(resp.StatusCode, resp.Header); err != nil {
		return err
	}
	if o.method == http.MethodHead {
		if resp.ContentLength != s.Down && s.Frame == byLength {
			return fmt.Errorf("Content-Length of a HEAD is %d, want %d", resp.ContentLength, s.Down)
		}
		return nil
	}
	if c.jar = cmp.Or(cookie(resp), c.jar); c.jar != "" {
		c.w.Report.note(NoteCookie)
	}
	content, err := c.plain(resp)
	if err != nil {
		return err
	}
	if _, err := s.down().verify(content); err != nil {
		return err
	}
	if got := resp.Trailer.Get(sumField); s.Trailer && s.Frame == byChunks && o.version == "" && got != s.sum() {
		return fmt.Errorf("trailer of a response: %s is %q, want %q", sumField, got, s.sum())
	}
	return nil
}

// response reads the head of the next final response.
func (c *conn) response(method string) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, fmt.Errorf("no response for %v", patience)
		case err != nil && !gone(err) && !errors.Is(err, io.ErrUnexpectedEOF):
			return nil, fmt.Errorf("read a response: %w", err)
		case err != nil:
			return nil, lost{fmt.Errorf("instead of a response: %w", err)}
		case resp.StatusCode >= http.StatusOK || resp.StatusCode == http.StatusSwitchingProtocols:
			return resp, nil
		}
		c.w.Report.note(resp.Status)
	}
}

// reset ends the connection as a client does that crashes.
func (c *conn) reset() {
	_ = c.tcp.SetLinger(0) // it may be closed
	_ = c.tcp.Close()
}

// dribble reads slowly: about 2 MB a second.
type dribble struct{ net.Conn }

func (d *dribble) Read(p []byte) (int, error) {
	time.Sleep(2 * time.Millisecond)
	return d.Conn.Read(p)
}

// pipeline sends all requests while it reads their responses, and says whether the connection is good for more.
func (c *conn) pipeline(batch []script) bool {
	began := time.Now()
	_ = c.SetDeadline(began.Add(patience)) // an error shows in what follows
	sent := make(chan error, 1)            // one value, sent by the writer
	go func() {
		for _, s := range batch {
			if err := c.send(s, options{}); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for i, s := range batch {
		err := c.receive(s, options{})
		last := i == len(batch)-1
		if err == nil && c.spent && !last {
			// What follows was not answered, which a client has to expect of an end that was announced.
			for _, s := range batch[i+1:] {
				c.w.conclude(s, "", began, expected("the balancer announced the connection's end"))
			}
		}
		c.w.conclude(s, c.LocalAddr().String(), began, err)
		if err != nil || c.spent {
			for _, s := range batch[i+1:] {
				c.w.Origins.leave(s.ID)
			}
			_ = c.Close() // the writer may wait for room
			<-sent
			return false
		}
	}
	if err := <-sent; err != nil {
		c.w.conclude(batch[0], c.LocalAddr().String(), began, fmt.Errorf("all responses came, and a request was not sent: %w", err))
		return false
	}
	return true
}
