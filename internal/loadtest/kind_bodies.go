package loadtest

import (
	"net/http"
	"time"
)

// several makes requests over one connection.
func (w *worker) several(n int, ask func(c *conn)) {
	c := w.dial(nil)
	if c == nil {
		return
	}
	defer c.Close()
	for range n {
		if c.spent {
			return
		}
		ask(c)
	}
}

// uploads has bodies in both directions, delimited either way.
func uploads(w *worker) {
	w.several(5, func(c *conn) {
		s := w.exchange()
		s.Up = w.size()
		c.ask(s, options{chunked: w.chance(50)})
	})
}

// trailers has them in both directions.
func trailers(w *worker) {
	w.several(5, func(c *conn) {
		s := w.script()
		s.Up, s.Down, s.Frame, s.Trailer = w.size(), w.size(), byChunks, true
		c.ask(s, options{chunked: true, fields: "TE: trailers\r\n"})
	})
}

// untilClose has responses that end with the server's connection. The client's connection lives on.
func untilClose(w *worker) {
	w.several(3, func(c *conn) {
		s := w.script()
		s.Down, s.Frame = w.size(), byClose
		c.ask(s, options{})
	})
}

// heads asks for heads alone: a response with a length has no body to read.
func heads(w *worker) {
	w.several(6, func(c *conn) {
		s := w.exchange()
		s.Up = -1
		c.ask(s, options{method: http.MethodHead})
	})
}

// expectContinue waits for leave before it sends the body.
func expectContinue(w *worker) {
	w.several(4, func(c *conn) {
		s := w.exchange()
		s.Up = 1 + w.size()
		c.ask(s, options{expect: true})
	})
}

// earlyHints has a response before the response.
func earlyHints(w *worker) {
	w.several(4, func(c *conn) {
		s := w.exchange()
		s.Hints = true
		c.ask(s, options{})
	})
}

// slowServer thinks first, and pauses then.
func slowServer(w *worker) {
	w.several(2, func(c *conn) {
		s := w.exchange()
		s.Wait = time.Duration(w.random.Int64N(int64(200 * time.Millisecond)))
		s.Down, s.Pace = w.random.Int64N(200<<10), 5*time.Millisecond
		c.ask(s, options{})
	})
}
