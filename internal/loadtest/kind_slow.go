package loadtest

import "time"

// slowClient sends its body in small steps, as over a bad line.
func slowClient(w *worker) {
	w.several(1, func(c *conn) {
		s := w.exchange()
		s.Up = w.random.Int64N(200 << 10)
		c.ask(s, options{chunked: w.chance(50), pace: 20 * time.Millisecond})
	})
}

// slowReader takes its response in small steps, so that the balancer has to hold back the server.
func slowReader(w *worker) {
	w.several(1, func(c *conn) {
		_ = c.tcp.SetReadBuffer(64 << 10) // less would make TCP itself wait, for longer than the reader does
		s := w.exchange()
		s.Down = 1<<20 + w.random.Int64N(2<<20)
		c.Conn = &dribble{c.Conn}
		c.r.Reset(c.Conn)
		c.ask(s, options{})
	})
}
