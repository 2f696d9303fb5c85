package beside

import (
	"fmt"
	"strings"
)

// exam is one case: the same site in the words of each product, servers that answer alike, and what a client does.
type exam struct {
	name   string // unique
	proves string // the numbers of requirements, such as "R19 R20", if any
	site   site
	answer reply            // of all servers; nil: ok
	own    map[string]reply // of servers that answer otherwise, by their names
	raw    func(*visit)     // of servers that speak no HTTP, in place of both

	ask []string    // requests, one after the other on one connection, which is then looked at; or
	do  func(*talk) // all that the client does

	maps  string // the lines of a map's file, @dir@/@b@.map
	shows shows
}

// shows is what an exam sees besides: what products do everywhere is left out where it is nothing of the matter.
type shows struct {
	order  bool // of fields
	names  bool // of fields, in the case that they came in
	pages  bool // the text of the products' own pages
	client bool // what the client saw alone: which requests servers got is chance, or no matter
	conns  bool // over which of its connections a server was asked
}

// difference is what one peer does otherwise in an exam: lines of its observation in place of Tandem's.
type difference struct {
	exam, peer   string
	why          string // the sentence of docs/compatibility.md
	ours, theirs string // lines; empty: none
}

// What the products are called.
const (
	tandem  = "Tandem"
	haproxy = "HAProxy"
	nginx   = "nginx"
)

// site is a configuration in three languages. A product without words is not asked.
type site struct{ tandem, haproxy, nginx *words }

// words are parts of a configuration. In all of them @b@ is the exam's own name, which its frontend and its first backend have and names
// of further ones begin with; @s1@, @s2@ and so on are addresses of servers; @dead@ is one that refuses, @full@ one that does not
// answer, @dir@ the directory of the exam, @pem@ a certificate with its key.
type words struct {
	bind  string // what is said of the listener
	front string // lines of the frontend
	back  string // lines of the backend; without servers there is one, s1
	more  string // further sections
	bare  bool   // there is no default backend
}

// word is short for words of the frontend.
func word(front ...string) *words { return &words{front: strings.Join(front, "\n")} }

// plain is a site that does nothing in particular, in all three.
func plain() site { return site{&words{}, &words{}, &words{}} }

// lines are indented.
func lines(indent, text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if strings.TrimSpace(line) != "" {
			fmt.Fprintf(&b, "%s%s\n", indent, line)
		}
	}
	return b.String()
}

// area is what a section of docs/compatibility.md is about.
type area struct {
	title   string
	exams   []exam
	differs []difference
}
