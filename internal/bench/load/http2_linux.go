package load

import "fmt"

// input is how much a client of HTTP/2 reads at once, a few frames at the largest.
const input = 64 << 10

// converse keeps v.Streams requests under way on a connection of HTTP/2, until it ends. What came together is answered
// together.
func (v *visitor) converse(c channel) error {
	a := newAsker(v.Config)
	out := a.open(nil)
	for range v.Streams {
		out = a.ask(out)
	}
	in, have := make([]byte, input), 0
	for {
		if len(out) > 0 {
			if _, err := c.Write(out); err != nil {
				return fmt.Errorf("ask: %w", err)
			}
		}
		n, err := c.Read(in[have:])
		if err != nil {
			return fmt.Errorf("read answers: %w", err)
		}
		var rest []byte
		if out, rest, err = v.answer(a, in[:have+n], out[:0]); err != nil {
			return err
		}
		have = copy(in, rest)
	}
}

// answer takes all whole frames from b, appends what has to be said to them, and returns what is left of b.
func (v *visitor) answer(a *asker, b, out []byte) (reply, rest []byte, err error) {
	for {
		f, after, ok, err := cutFrame(b)
		if err != nil || !ok {
			return out, b, err
		}
		answered := false
		if out, answered, err = a.take(f, out); err != nil {
			return out, b, err
		}
		if answered {
			v.done()
			out = a.ask(out)
		}
		b = after
	}
}
