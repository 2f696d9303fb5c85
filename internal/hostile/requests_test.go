package hostile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// outcome is what became of a case.
type outcome struct {
	tapes   []string  // what the origin got, connection by connection
	client  string    // what the client got
	end     ending    // of the client's connection
	finals  []message // the final responses to the case
	hung    bool      // less than due came in time
	probe   string    // what was wrong with the next response on the same connection
	after   string    // what was wrong with that of the next client
	none    bool      // it was none of the origin's
	refused bool      // HTTP/2: the stream or the connection was ended
}

// runRequest sends a case, then asks once more on the same connection, then on another one.
func runRequest(s subject, l *lane, c request) finding {
	l.origin.begin(answer, false)
	o := sendRequest(l, c)
	o.askAfter(l)
	o.tapes = l.origin.take()
	return finding{c.name, judgeRequest(c, o, s.strict), o.story(c.text)}
}

func sendRequest(l *lane, c request) (o outcome) {
	conn, err := l.dial()
	if err != nil {
		o.client = err.Error()
		o.hung = true
		return o
	}
	cl := newClient(conn, l.limit)
	defer cl.close()
	cl.sendRequest(c)
	due := max(c.most, 1)
	methods := slices.Repeat([]string{methodOf(c)}, due)
	o.hung = !cl.until(cl.limit, func() bool { return len(cl.finals(methods...)) >= due }) && cl.end == open
	cl.until(settled, func() bool { return false })
	o.finals = cl.finals(methods...)
	if n := len(o.finals); cl.end == open && n > 0 && !isFromOrigin(&o.finals[n-1]) {
		cl.until(timeout, func() bool { return false }) // a refusal is the end of the connection
	} else if cl.end == open && n > 0 && !closes(&o.finals[n-1]) {
		o.probe = cl.probe(methods)
	}
	o.client, o.end = cl.stream, cl.end
	return o
}

// probe asks once more and says what is wrong with the answer.
func (c *client) probe(before []string) string {
	c.send("GET /probe HTTP/1.1\r\nHost: a.example\r\n\r\n")
	methods := append(before[:len(before):len(before)], "GET")
	if !c.until(c.limit, func() bool { return len(c.finals(methods...)) == len(methods) }) {
		if c.end == open {
			return noAnswer
		}
		return "" // closed: nothing was promised
	}
	if last := c.finals(methods...)[len(methods)-1]; isFromOrigin(&last) && !isEcho(&last, "/probe") {
		return fmt.Sprintf("got %q", last.raw)
	}
	return ""
}

// askAfter asks on a connection of its own and says what is wrong with the answer.
func (o *outcome) askAfter(l *lane) {
	conn, err := l.dial()
	if err != nil {
		o.after, o.none = err.Error(), true
		return
	}
	c := newClient(conn, l.limit)
	defer c.close()
	c.send("GET /after HTTP/1.1\r\nHost: a.example\r\n\r\n")
	c.until(c.limit, func() bool { return len(c.finals("GET")) == 1 })
	if all := c.finals("GET"); len(all) == 0 || !isEcho(&all[0], "/after") {
		o.after, o.none = fmt.Sprintf("got %q", c.stream), !strings.Contains(c.stream, fromOrigin)
	}
}

func methodOf(c request) string {
	if c.method != "" {
		return c.method
	}
	if strings.HasPrefix(c.text, "HEAD ") {
		return "HEAD"
	}
	return "GET"
}

// judgeRequest says what is wrong about a case. held says whether Tandem's own rules count.
func judgeRequest(c request, o outcome, held bool) (fs faults) {
	taken := o.requests(&fs)
	most := max(c.most, 1)
	if len(taken) > most {
		fs.add(Dangerous, "%d requests reached the server, there was %d", len(taken), most)
	}
	for _, m := range taken {
		if strings.HasPrefix(m.target, "/hidden") {
			fs.add(Dangerous, "the hidden request reached the server")
		}
		for _, name := range c.gone {
			if m.has(name) {
				fs.add(Unclean, "%s reached the server", name)
			}
		}
		if c.host != "" && !slices.Equal(m.values("Host"), []string{c.host}) {
			fs.add(Unclean, "Host %q reached the server, the target says %s (RFC 9112 3.2.2)", m.values("Host"), c.host)
		}
	}
	switch {
	case c.want == good && len(taken) < most:
		fs.add(Refused, "%d of %d requests reached the server; the client got %s", len(taken), most, o.statuses())
	case c.want == good:
		judgeArrival(c, taken, held, &fs)
	case len(taken) > 0 && (c.want == reject || c.want == strict && held):
		fs.add(Lenient, "accepted, though RFC %s", c.rfc)
	}
	if held && c.want != good && len(taken) == 0 && !c.halfClose {
		judgeRefusal(c, o, &fs)
	}
	if o.hung {
		fs.add(Hanging, "no answer in time")
	}
	o.judgeNext(&fs)
	return fs
}

// noAnswer is what is wrong with one that does not come.
const noAnswer = "no answer"

// judgeNext says what is wrong with the answers to the next request and to the next client: that of another one is worse than none.
func (o *outcome) judgeNext(fs *faults) {
	switch o.probe {
	case "":
	case noAnswer:
		fs.add(Hanging, "the next response on the connection: %s", o.probe)
	default:
		fs.add(Dangerous, "the next response on the connection: %s", o.probe)
	}
	switch {
	case o.after == "":
	case o.none:
		fs.add(Hanging, "the next client: %s", o.after)
	default:
		fs.add(Dangerous, "the next client: %s", o.after)
	}
}

// requests returns those of the case that reached the server whole. What is wrong with any goes to fs.
func (o *outcome) requests(fs *faults) (taken []message) {
	for _, tape := range o.tapes {
		for _, m := range readRequests(tape) {
			*fs = append(*fs, m.faults...)
			if m.complete && m.target != "/probe" && m.target != "/after" {
				taken = append(taken, m)
			}
		}
	}
	return taken
}

// judgeArrival compares what arrived with what was sent. The order of different fields and the case of their names mean nothing
// to the RFC; Tandem keeps both.
func judgeArrival(c request, taken []message, held bool, fs *faults) {
	for _, m := range taken {
		if want := methodOf(c); m.method != want {
			fs.add(Altered, "method %q, want %q", m.method, want)
		}
		if want := cmp.Or(c.target, "/x"); m.target != want {
			fs.add(Altered, "target %q, want %q", short(m.target), short(want))
		}
		if m.body != c.body {
			fs.add(Altered, "body %q, want %q", short(m.body), short(c.body))
		}
		got, want := keptLines(&m, c.kept)
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
}

// keptLines returns the field lines of m that lines name, and lines without the white space around values.
func keptLines(m *message, lines []string) (got, want []string) {
	names := map[string]bool{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		names[strings.ToLower(name)] = true
		want = append(want, name+": "+strings.Trim(value, " \t"))
	}
	for _, f := range m.fields {
		if names[strings.ToLower(f.name)] {
			got = append(got, f.name+": "+f.value)
		}
	}
	return got, want
}

// judgeRefusal wants a status that says so, and the end of the connection.
func judgeRefusal(c request, o outcome, fs *faults) {
	status := c.status
	if len(status) == 0 {
		status = []int{400}
	}
	switch {
	case o.refused: // in the words of HTTP/2
	case len(o.finals) == 0:
		fs.add(Impolite, "refused without an answer, want %v", status)
	case c.want != either && !slices.Contains(status, o.finals[0].status):
		fs.add(Impolite, "refused with %d, want %v", o.finals[0].status, status)
	case o.end == open:
		fs.add(Impolite, "the connection goes on after the refusal")
	}
	for _, m := range o.finals {
		*fs = append(*fs, m.faults...)
	}
}

func (o *outcome) statuses() string {
	if len(o.finals) == 0 {
		return fmt.Sprintf("%q, %s", short(o.client), o.end)
	}
	words := make([]string, len(o.finals))
	for i, m := range o.finals {
		words[i] = itoa(m.status)
	}
	return strings.Join(words, ", ")
}

// story tells what was sent and what arrived.
func (o *outcome) story(sent string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "sent %q", clip(sent))
	for _, tape := range o.tapes {
		fmt.Fprintf(&b, "\n\tthe server got %q", clip(tape))
	}
	fmt.Fprintf(&b, "\n\tthe client got %q, %s", clip(o.client), o.end)
	return b.String()
}

// clip cuts what is too long to read.
func clip(s string) string {
	if len(s) > 600 {
		return fmt.Sprintf("%s... (%d octets)", s[:600], len(s))
	}
	return s
}
