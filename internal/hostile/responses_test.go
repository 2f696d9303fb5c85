package hostile

import (
	"net"
	"slices"
	"strings"
	"time"
)

// moment is how long a server waits before it does something that must not arrive together with what came before.
const moment = 20 * time.Millisecond

// play answers a request as the case says, and all others as they deserve.
func (c reply) play(t *tape, m *message) bool {
	if m.target == "/probe" || m.target == "/after" {
		return answer(t, m)
	}
	t.write(c.text)
	switch c.then {
	case fin:
		return false
	case rst:
		time.Sleep(moment)
		_ = t.conn.(*net.TCPConn).SetLinger(0)
		return false
	case later:
		time.Sleep(moment)
		t.write(c.more)
	case flood:
		_ = t.conn.SetWriteDeadline(time.Now().Add(2 * patience))
		for {
			if _, err := t.conn.Write([]byte(c.more)); err != nil {
				return false
			}
		}
	}
	return true
}

// question is the request of a case.
func (c reply) question() string {
	if c.ask != "" {
		return c.ask
	}
	return get()
}

func (c reply) method() string { return methodOf(request{text: c.question()}) }

// runReply asks, then asks once more on the same connection, then on another one.
func runReply(s subject, l *lane, c reply) finding {
	l.origin.begin(c.play, c.early)
	o := sendQuestion(l, c)
	o.askAfter(l)
	o.tapes = l.origin.take()
	return finding{c.name, judgeReply(c, o, s.strict), o.story(c.text)}
}

func sendQuestion(l *lane, c reply) (o outcome) {
	conn, err := l.dial()
	if err != nil {
		return outcome{client: err.Error(), hung: true}
	}
	cl := newClient(conn, l.limit)
	defer cl.close()
	cl.send(c.question())
	one := func() bool { return len(cl.finals(c.method())) == 1 }
	o.hung = !cl.until(cl.limit, one) && cl.end == open
	cl.until(settled, func() bool { return false })
	if c.then == later {
		cl.until(2*moment, func() bool { return false })
	}
	o.finals = cl.finals(c.method())
	o.client, o.end = cl.stream, cl.end
	if cl.end == open && len(o.finals) == 1 && !closes(&o.finals[0]) && o.finals[0].status != 101 {
		cl.send(c.rest)
		o.probe = cl.probe([]string{c.method()})
	}
	return o
}

// judgeReply says what is wrong about a case.
func judgeReply(c reply, o outcome, held bool) (fs faults) {
	all, rest := readResponses(o.client, o.end == ended, c.method())
	var whole *message
	interims := 0
	for i := range all {
		m := &all[i]
		fs = append(fs, m.faults...)
		switch {
		case !m.complete:
		case m.status < 200 && m.status != 101:
			interims++
		default:
			whole = m
		}
	}
	if rest != "" {
		fs.add(Dangerous, "the client got %q after the response", clip(rest))
	}
	passed := whole != nil && (whole.status < 500 || isFromOrigin(whole))
	switch {
	case c.want == good && !passed:
		fs.add(Refused, "the client got %s", o.statuses())
	case c.want == good:
		judgeDelivery(c, whole, interims, held, &fs)
	case passed && c.want == reject && c.grave:
		fs.add(Dangerous, "passed on as whole, though RFC %s", c.rfc)
	case passed && (c.want == reject || c.want == strict && held):
		fs.add(Lenient, "passed on, though RFC %s", c.rfc)
	case held && whole != nil && !passed && !slices.Contains([]int{502, 504}, whole.status):
		fs.add(Impolite, "answered with %d, want 502 or 504", whole.status)
	}
	if o.hung {
		fs.add(Hanging, "no answer in time")
	}
	o.judgeNext(&fs)
	o.requests(&fs)
	return fs
}

// judgeDelivery compares what arrived with what was sent.
func judgeDelivery(c reply, m *message, interims int, held bool, fs *faults) {
	if want := max(c.status, 0); want != 0 && m.status != want || want == 0 && m.status != 200 {
		fs.add(Altered, "status %d, want %d", m.status, want)
	}
	if m.body != c.body {
		fs.add(Altered, "body %q, want %q", short(m.body), short(c.body))
	}
	for _, name := range c.gone {
		if m.has(name) {
			fs.add(Unclean, "%s reached the client", name)
		}
	}
	if held && interims != c.interims {
		fs.add(Altered, "%d interim responses, want %d", interims, c.interims)
	}
	got, want := keptLines(m, c.kept)
	if !held {
		for _, lines := range [][]string{got, want} {
			for i := range lines {
				lines[i] = strings.ToLower(lines[i])
			}
			slices.Sort(lines)
		}
	}
	if !slices.Equal(got, want) {
		fs.add(Altered, "fields %q, want %q", got, want)
	}
}
