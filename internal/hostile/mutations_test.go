package hostile

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var (
	mutations = flag.Int("hostile.mutations", 1500, "how many mutated messages go through the balancer in each direction")
	seed      = flag.Uint64("hostile.seed", 1, "of the mutations")
)

// mutate changes a message in a few places.
func mutate(r *rand.Rand, s string, others []string) string {
	for range 1 + r.IntN(3) {
		at := r.IntN(len(s) + 1)
		upTo := min(at+1+r.IntN(8), len(s))
		switch r.IntN(8) {
		case 0: // an octet that may not be there
			i := r.IntN(len(badOctets))
			s = s[:at] + badOctets[i:i+1] + s[at:]
		case 1: // another one in its place
			i := r.IntN(len(badOctets))
			s = s[:at] + badOctets[i:i+1] + s[min(at+1, len(s)):]
		case 2: // some less
			s = s[:at] + s[upTo:]
		case 3: // some twice
			s = s[:upTo] + s[at:]
		case 4: // a line twice, or elsewhere
			lines := strings.SplitAfter(s, "\n")
			s = strings.Join(slices.Insert(lines, r.IntN(len(lines)), lines[r.IntN(len(lines))]), "")
		case 5: // a line of another one
			lines, more := strings.SplitAfter(s, "\n"), strings.SplitAfter(others[r.IntN(len(others))], "\n")
			s = strings.Join(slices.Insert(lines, r.IntN(len(lines)), more[r.IntN(len(more))]), "")
		case 6: // the end of another one
			other := others[r.IntN(len(others))]
			s = s[:at] + other[r.IntN(len(other)+1):]
		case 7: // a number that is off by one
			s = strings.Map(func(c rune) rune {
				if '0' <= c && c <= '8' && r.IntN(10) == 0 {
					return c + 1
				}
				return c
			}, s)
		}
	}
	return s
}

// mutants makes messages of those that are short enough to be changed anywhere that matters.
func mutants[C any](n int, cases []C, text func(C) string) []string {
	var texts []string
	for _, c := range cases {
		if t := text(c); len(t) < 600 {
			texts = append(texts, t)
		}
	}
	slices.Sort(texts) // some cases stand in maps
	r := rand.New(rand.NewPCG(*seed, 0))
	all := make([]string, n)
	for i := range all {
		all[i] = mutate(r, texts[r.IntN(len(texts))], texts)
	}
	return all
}

// runMutant sends what may be a request and compares what reaches the server with what the codec alone makes of it.
func runMutant(_ subject, l *lane, text string) finding {
	expected := requestOutcome(text, 0)
	var fs, none faults
	want := expected.requests(&none)
	due := len(expected.finals)
	if due > 0 && expected.finals[due-1].status == 408 {
		due-- // it would take a second
	}
	methods := make([]string, due)
	for i := range methods {
		methods[i] = "GET"
		if i < len(want) {
			methods[i] = want[i].method
		}
	}
	l.origin.begin(answer, false)
	o := outcome{client: "no connection"}
	if conn, err := l.dial(); err == nil {
		cl := newClient(conn, l.limit)
		cl.send(text)
		o.hung = !cl.until(l.limit, func() bool { return len(cl.finals(methods...)) >= due }) && cl.end == open
		cl.until(settled/3, func() bool { return false })
		o.client, o.end = cl.stream, cl.end
		cl.close()
	}
	o.askAfter(l)
	o.judgeNext(&fs)
	o.tapes = l.origin.take()
	if o.hung {
		fs.add(Hanging, "no answer in time")
	}
	fs.compare(o.requests(&fs), want)
	return finding{quoted(text), fs, o.story(text)}
}

// compare adds that what reached the server is not what the codecs alone make of the same octets. Where nothing did, the balancer has
// refused what it should not have, which a machine that was busy for seconds does too.
func (fs *faults) compare(got, want []message) {
	switch {
	case sketch(got) == sketch(want):
	case len(got) == 0:
		fs.add(Refused, "the server got nothing, want %s", sketch(want))
	default:
		fs.add(Dangerous, "the server got %s, want %s", sketch(got), sketch(want))
	}
}

// sketch tells requests in a line.
func sketch(all []message) string {
	words := make([]string, len(all))
	for i, m := range all {
		words[i] = fmt.Sprintf("%s %s %q", m.method, m.target, m.body)
	}
	slices.Sort(words) // each may have come over another connection
	return strings.Join(words, ", ")
}

// runMutantReply answers with what may be a response and compares what reaches the client with what the codec alone makes of it.
func runMutantReply(_ subject, l *lane, text string) finding {
	c := reply{text: text, then: fin, want: either}
	expected := replyOutcome(c, 0)
	l.origin.begin(c.play, false)
	o := sendQuestion(l, c)
	o.askAfter(l)
	o.tapes = l.origin.take()
	fs := judgeReply(c, o, false)
	switch {
	case len(expected.finals) == 0 && len(o.finals) == 1 && !slices.Contains([]int{502, 504}, o.finals[0].status):
		fs.add(Dangerous, "passed on as whole")
	case len(expected.finals) == 1 && (len(o.finals) == 0 || o.finals[0].status != expected.finals[0].status || o.finals[0].body != expected.finals[0].body):
		fs.add(Refused, "the client got %s, want %d %q", o.statuses(), expected.finals[0].status, expected.finals[0].body)
	}
	return finding{quoted(text), fs, o.story(text)}
}

// mutantStreams changes fields, data and trailers of requests over HTTP/2.
func mutantStreams(n int) []stream {
	cases := slices.DeleteFunc(streamCases(), func(c stream) bool { return len(c.wire(1)) > 2000 })
	slices.SortFunc(cases, func(a, b stream) int { return strings.Compare(a.name, b.name) })
	r := rand.New(rand.NewPCG(*seed, 2))
	pick := func() stream { return cases[r.IntN(len(cases))] }
	words := []string{"chunked", "trailers", "5", "0", "close", "h2c", "a.example", "/hidden", "*", "x: y\r\n"}
	all := make([]stream, n)
	for i := range all {
		c, other := pick(), pick()
		c.name, c.fields, c.data = itoa(i), slices.Clone(c.fields), slices.Clone(c.data)
		for range 1 + r.IntN(3) {
			f, g := r.IntN(len(c.fields)), other.fields[r.IntN(len(other.fields))]
			switch r.IntN(7) {
			case 0:
				c.fields[f].value = mutate(r, c.fields[f].value, words)
			case 1:
				c.fields[f].name = mutate(r, c.fields[f].name, words)
			case 2:
				c.fields = slices.Insert(c.fields, f, g)
			case 3:
				c.fields[f] = g
			case 4:
				c.data = append(c.data, other.data...)
			case 5:
				c.trailers = append(slices.Clone(c.trailers), g)
			case 6:
				h := r.IntN(len(c.fields))
				c.fields[f], c.fields[h] = c.fields[h], c.fields[f]
			}
		}
		all[i] = c
	}
	return all
}

// runMutantStream sends what may be a request and compares what reaches the server with what the codecs alone make of it.
func runMutantStream(_ subject, l *lane, c stream) finding {
	expected := streamOutcome(c.wire(1))
	var fs, none faults
	want := expected.requests(&none)
	l.origin.begin(answer, false)
	o := sendStream(l, c)
	o.askStream(l)
	o.judgeNext(&fs)
	o.tapes = l.origin.take()
	if o.hung {
		fs.add(Hanging, "no answer in time")
	}
	fs.compare(o.requests(&fs), want)
	return finding{c.name, fs, o.story(fmt.Sprintf("%q %q %q", c.fields, c.data, c.trailers))}
}

// TestIntegrationHostileMutations: what the balancer passes on of mutated messages is what its codecs make of them, and clean.
func TestIntegrationHostileMutations(t *testing.T) {
	for name, run := range map[string]func(subject) tally{
		"requests": func(s subject) tally {
			return runCases(s, mutants(*mutations, requests(), func(c request) string { return c.text }), runMutant)
		},
		"responses": func(s subject) tally {
			return runCases(s, mutants(*mutations, replies(), func(c reply) string { return c.text }), runMutantReply)
		},
		"streams": func(s subject) tally { return runCases(s, mutantStreams(*mutations), runMutantStream) },
	} {
		t.Run(name, func(t *testing.T) {
			got := run(startTandem(t))
			t.Log(got)
			for _, f := range got.worse {
				t.Errorf("seed %d: %s: %s\n\t%s", *seed, f.name, f.faults, f.story)
			}
		})
	}
}
