package loadtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"syscall"
	"time"
)

// originPatience is how long a server waits for the rest of a request, and for room to write.
const originPatience = 60 * time.Second

// origin is one HTTP/1 server that does what the scripts of its requests say.
type origin struct {
	all *Origins

	mu       sync.Mutex
	listener net.Listener         // guarded by mu; nil: it is dead
	conns    map[net.Conn]*uint64 // guarded by mu: the request under way on each, nil: none
	wg       sync.WaitGroup
}

// serve serves what l accepts until stop.
func (o *origin) serve(l net.Listener) {
	o.mu.Lock()
	o.listener, o.conns = l, map[net.Conn]*uint64{}
	o.mu.Unlock()
	o.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.admit(c)
		}
	})
}

// admit serves a connection, unless the server died while it came.
func (o *origin) admit(c net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.listener == nil {
		_ = c.Close()
		return
	}
	o.conns[c] = nil
	o.wg.Go(func() {
		o.converse(c)
		_ = c.Close()
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.conns, c)
	})
}

// stop ends the server as kill -9 does. What was under way is noted first: the client may know of the end at once.
func (o *origin) stop() {
	o.mu.Lock()
	l := o.listener
	o.listener = nil
	for c, id := range o.conns {
		if id != nil {
			o.all.lose(*id)
		}
		_ = c.Close()
	}
	o.mu.Unlock()
	if l != nil {
		_ = l.Close()
	}
	o.wg.Wait()
}

// dropIdle closes the connections on which nothing is under way.
func (o *origin) dropIdle() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c, id := range o.conns {
		if id == nil {
			_ = c.Close()
		}
	}
}

// busy notes what is under way on a connection; it is false when the server has died.
func (o *origin) busy(c net.Conn, id *uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conns[c] = id
	return o.listener != nil
}

// converse serves one connection.
func (o *origin) converse(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			if !gone(err) {
				o.all.fault(0, fmt.Errorf("a server cannot read a request: %w", err))
			}
			return
		}
		if req.RequestURI == healthPath {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") // the checker judges it
			continue
		}
		s, err := parseTarget(req.RequestURI)
		if err != nil {
			o.all.fault(0, err)
			return
		}
		if !o.busy(c, &s.ID) {
			return
		}
		_ = c.SetDeadline(time.Now().Add(originPatience))
		err = (&call{script: s, origins: o.all, conn: c, r: r, w: bufio.NewWriter(c), req: req}).serve()
		alive := o.busy(c, nil)
		if err != nil {
			excused := errors.As(err, new(lost)) && (s.Abort || !alive)
			if !excused && !errors.Is(err, errScripted) {
				o.all.fault(s.ID, fmt.Errorf("%s: %w", req.RequestURI, err))
			}
			return
		}
		_ = c.SetDeadline(time.Time{})
		if req.Close || s.Frame == byClose || s.Tunnel {
			return
		}
	}
}

// healthPath is what health checks ask for.
const healthPath = "/health"

// errScripted ends a connection because the script says so.
var errScripted = errors.New("as scripted")

// gone says whether an error is the end of a connection and nothing else.
func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE)
}

// call is one request at a server.
type call struct {
	script
	origins *Origins
	conn    net.Conn
	r       *bufio.Reader
	w       *bufio.Writer
	req     *http.Request
}

func (c *call) serve() error {
	if c.Tunnel {
		return c.echo()
	}
	if err := c.read(); err != nil {
		return err
	}
	time.Sleep(c.Wait)
	if c.Cut == cutHead {
		return errScripted
	}
	if c.Hints {
		fmt.Fprintf(c.w, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
	}
	c.head()
	if c.req.Method != http.MethodHead {
		if err := c.body(); err != nil {
			return err
		}
	}
	return ended(c.w.Flush())
}

// read takes and judges the request's body.
func (c *call) read() error {
	if c.req.Header.Get("Expect") != "" {
		if _, err := io.WriteString(c.conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return lost{err}
		}
	}
	if _, err := c.up().verify(c.req.Body); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	if got := c.req.Trailer.Get(sumField); c.Trailer && c.Up >= 0 && got != c.sum() {
		return fmt.Errorf("trailer of a request: %s is %q, want %q", sumField, got, c.sum())
	}
	return nil
}

func (c *call) head() {
	kind := "application/octet-stream"
	if c.Text {
		kind = "text/plain"
	}
	fmt.Fprintf(c.w, "HTTP/1.1 200 OK\r\n%s: %d\r\nContent-Type: %s\r\n", idField, c.ID, kind)
	switch c.Frame {
	case byLength:
		fmt.Fprintf(c.w, "Content-Length: %d\r\n", c.Down)
	case byChunks:
		fmt.Fprintf(c.w, "Transfer-Encoding: chunked\r\n")
		if c.Trailer {
			fmt.Fprintf(c.w, "Trailer: %s\r\n", sumField)
		}
	case byClose:
		fmt.Fprintf(c.w, "Connection: close\r\n")
	}
	fmt.Fprintf(c.w, "\r\n")
}

// body sends the response's body, as far as the script lets it.
func (c *call) body() error {
	to, size := io.Writer(c.w), c.Down
	var chunks io.WriteCloser
	if c.Frame == byChunks {
		chunks = httputil.NewChunkedWriter(c.w)
		to = chunks
	}
	if c.Cut != "" {
		size = c.CutAt
	}
	if err := send(to, body{c.down().seed, size}, c.Pace, c.w.Flush); err != nil {
		return err
	}
	if c.Cut != "" {
		return c.cut()
	}
	if chunks == nil {
		return nil
	}
	_ = chunks.Close() // writes into memory; Flush has the error
	if c.Trailer {
		fmt.Fprintf(c.w, "%s: %s\r\n", sumField, c.sum())
	}
	_, err := c.w.WriteString("\r\n")
	return ended(err)
}

// cut ends the connection in the middle of the body.
func (c *call) cut() error {
	if err := c.w.Flush(); err != nil {
		return lost{err}
	}
	if tcp, ok := c.conn.(*net.TCPConn); ok && c.Cut == cutReset {
		_ = tcp.SetLinger(0) // the connection may have gone
	}
	return errScripted
}

// send writes a body in pieces of changing sizes.
func send(w io.Writer, b body, pace time.Duration, flush func() error) error {
	var buf [piece]byte
	stream := b.stream()
	for sent, n := int64(0), int64(0); sent < b.size; sent += n {
		n = min(b.size-sent, 1+int64(b.seed+uint64(sent)*7)%piece)
		_, _ = stream.Read(buf[:n]) // never fails
		if _, err := w.Write(buf[:n]); err != nil {
			return lost{err}
		}
		if pace > 0 {
			if err := flush(); err != nil {
				return lost{err}
			}
			time.Sleep(pace)
		}
	}
	return nil
}

// echo switches protocols and sends back what comes until the other side has finished.
func (c *call) echo() error {
	fmt.Fprintf(c.w, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s: %d\r\n\r\n",
		c.req.Header.Get("Upgrade"), idField, c.ID)
	if err := c.w.Flush(); err != nil {
		return lost{err}
	}
	if _, err := io.Copy(c.conn, c.r); err != nil {
		return lost{err}
	}
	return nil
}
