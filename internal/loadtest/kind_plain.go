package loadtest

// keepAlive makes many requests over one connection, most without a body.
func keepAlive(w *worker) {
	c := w.dial(nil)
	if c == nil {
		return
	}
	defer c.Close()
	for range 5 + w.random.IntN(25) {
		if c.spent {
			return
		}
		c.ask(w.exchange(), options{})
	}
}

// exchange is a request with a response that is delimited either way, and now and then a body.
func (w *worker) exchange() script {
	s := w.script()
	s.Down = w.size()
	if w.chance(50) {
		s.Frame = byChunks
	}
	if w.chance(20) {
		s.Up = w.size()
	}
	return s
}

// onePerConnection asks for the end of the connection, and wants it.
func onePerConnection(w *worker) {
	for range 5 {
		c := w.dial(nil)
		if c == nil {
			return
		}
		c.ask(w.exchange(), options{fields: "Connection: close\r\n"})
		_ = c.Close()
	}
}

// http10 is what old clients and some checkers speak: no Host would be good too, and no chunked response.
func http10(w *worker) {
	for range 3 {
		c := w.dial(nil)
		if c == nil {
			return
		}
		c.ask(w.exchange(), options{version: "HTTP/1.0"})
		_ = c.Close()
	}
}

// pipelined sends several requests before it reads the first response; they come in order.
func pipelined(w *worker) {
	c := w.dial(nil)
	if c == nil {
		return
	}
	defer c.Close()
	for range 3 {
		var batch []script
		for range 2 + w.random.IntN(7) {
			batch = append(batch, w.exchange())
		}
		if !c.pipeline(batch) {
			return
		}
	}
}
