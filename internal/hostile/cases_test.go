package hostile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// want is what a case asks of whoever gets it.
type want int

const (
	reject want = iota // the RFC says MUST or SHOULD refuse
	strict             // the RFC leaves it open, Tandem refuses; whoever takes it has to bring it into order
	either             // refused, or brought into order
	good               // must not be refused
)

// request is a case: what a client sends over one connection.
type request struct {
	name   string
	rfc    string // where it says so
	text   string
	want   want
	status []int // of Tandem's refusal; none: 400
	most   int   // requests that it may become; 0: 1. Of a good one: that it has to become

	// Of a good one, where it is not that of get.
	method, target, body string
	kept                 []string // field lines that have to arrive, as "Name: value"
	gone                 []string // names of fields that must not arrive
	host                 string   // the Host that a server has to get; empty: whatever

	halfClose bool          // the client ends its side after the text
	cut       int           // the text is sent in pieces of so many octets; 0: at once
	pace      time.Duration // between two pieces
}

// crlf writes a head: a line for each of lines, and the empty line.
func crlf(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

// get writes a request that is good but for the fields.
func get(fields ...string) string {
	return crlf(append([]string{"GET /x HTTP/1.1", "Host: a.example"}, fields...)...)
}

// post writes a request with a body, framed by the fields.
func post(body string, fields ...string) string {
	return crlf(append([]string{"POST /x HTTP/1.1", "Host: a.example"}, fields...)...) + body
}

// hidden is what a message hides behind its end: whoever passes it on as a request has been deceived.
const hidden = "GET /hidden HTTP/1.1\r\nHost: a.example\r\n\r\n"

// badOctets stand for their kinds: controls, white space that is none, delimiters, and what is above ASCII.
const badOctets = "\x00\x01\x08\t\n\v\f\r\x1b\x1f \"(),/:;<=>?@[\\]{}\x7f\x80\xa0\xff"

// octets calls yield for each octet that is not in but.
func octets(but string, yield func(c string, name string)) {
	for i := range len(badOctets) {
		if c := badOctets[i : i+1]; !strings.Contains(but, c) {
			yield(c, fmt.Sprintf("%#02x", c[0]))
		}
	}
}

// requests are all of them.
func requests() []request {
	return slices.Concat(lineCases(), targetCases(), hostCases(), nameCases(), lengthCases(), codingCases(), chunkCases(),
		hopCases(), smugglingCases(), limitCases(), lateCases(), goodCases())
}

func TestCasesAreApart(t *testing.T) {
	t.Parallel()
	seen, kinds := map[string]bool{}, map[want]int{}
	for _, c := range requests() {
		if seen[c.name] {
			t.Errorf("two cases are called %s", c.name)
		}
		seen[c.name] = true
		kinds[c.want]++
		if c.rfc == "" {
			t.Errorf("%s: no section says so", c.name)
		}
	}
	if kinds[reject] < 229 || kinds[strict] < 50 || kinds[good] < 50 {
		t.Errorf("got %v cases of each kind", kinds)
	}
}
