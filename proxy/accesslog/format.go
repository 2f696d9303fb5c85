package accesslog

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// The formats of HAProxy by name, in its own syntax (its manual, sections 8.2.2 and 8.2.3). Lines of the first are written without it,
// in half the time: a test compares the two.
const (
	httplog = `%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r`
	tcplog  = `%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq`
)

// Formats returns the names of the formats that have one.
func Formats() []string { return []string{"httplog", "tcplog", "json", "common", "combined"} }

// Format makes lines of records. It is immutable and safe for concurrent use.
type Format struct {
	nodes  []node                                      // of one in HAProxy's syntax
	append func(f *Format, dst []byte, l *line) []byte // of any other; nil: nodes

	tls      bool               // version and cipher suite are wanted
	request  []exchange.Capture // the configuration's, and those that the format itself needs
	response []exchange.Capture
	shown    int  // how many of request are the configuration's
	cookie   bool // one is captured
}

// Parse reads a format: a name of Formats, or one in HAProxy's syntax. The captured fields are those of the configuration.
func Parse(text string, request, response []exchange.Capture) (*Format, error) {
	f := &Format{request: slices.Clone(request), response: slices.Clone(response), shown: len(request)}
	switch text {
	case "httplog":
		f.append = (*Format).appendHTTPLog
		return f, nil
	case "tcplog":
		text = tcplog
	case "json":
		f.append, f.tls = (*Format).appendObject, true
		return f, nil
	case "common":
		f.append = (*Format).appendCommon
		return f, nil
	case "combined":
		f.append = (*Format).appendCombined
		f.request = append(f.request, exchange.Capture{Name: "Referer", Length: quotedLength}, exchange.Capture{Name: "User-Agent", Length: quotedLength})
		return f, nil
	}
	if !strings.Contains(text, "%") {
		return nil, fmt.Errorf("format %q is none of %s, and has no %% of HAProxy's syntax", text, strings.Join(Formats(), ", "))
	}
	err := f.parse(text)
	return f, err
}

// appendLine writes the line of a record, without a line break. l is memory that one caller has at a time.
func (f *Format) appendLine(dst []byte, r *exchange.Record, begin time.Time, l *line) []byte {
	l.r, l.d, l.begin = r, r.Details, begin
	if f.append != nil {
		return f.append(f, dst, l)
	}
	blank := true // so that no line begins with a separator, and no two follow each other
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.write == nil {
			if !blank {
				dst, blank = append(dst, ' '), true
			}
			continue
		}
		before := len(dst)
		dst = n.write(dst, l, n)
		blank = blank && len(dst) == before
	}
	return dst
}

// node is a part of a format. Without write it is a separator: one blank, unless there is one already.
type node struct {
	write  func(dst []byte, l *line, n *node) []byte
	text   string // of a literal
	index  int    // of a capture
	quoted bool
}

// parser reads a format in HAProxy's syntax.
type parser struct {
	format *Format
	text   string
	quoted bool // %{+Q}o was there
}

func (f *Format) parse(text string) error {
	p := parser{format: f, text: text}
	for p.text != "" {
		if err := p.next(); err != nil {
			return err
		}
	}
	return nil
}

// next takes one part off the text.
func (p *parser) next() error {
	switch c := p.text[0]; {
	case c == ' ':
		p.text = strings.TrimLeft(p.text, " ")
		p.add(node{})
		return nil
	case c == '%' && strings.HasPrefix(p.text, "%%"):
		p.literal("%")
		p.text = p.text[2:]
		return nil
	case c == '%':
		return p.alias()
	}
	end := strings.IndexAny(p.text, "% ")
	if end < 0 {
		end = len(p.text)
	}
	p.literal(p.text[:end])
	p.text = p.text[end:]
	return nil
}

func (p *parser) add(n node) { p.format.nodes = append(p.format.nodes, n) }

func (p *parser) literal(text string) {
	p.add(node{text: text, write: func(dst []byte, _ *line, n *node) []byte { return append(dst, n.text...) }})
}

// alias takes off %name, %{flags}name or %[expression].
func (p *parser) alias() error {
	whole := p.text
	p.text = p.text[1:]
	quoted := p.quoted
	if rest, ok := strings.CutPrefix(p.text, "{"); ok {
		flags, behind, closed := strings.Cut(rest, "}")
		if !closed {
			return fmt.Errorf("format: %q has no closing brace", short(whole))
		}
		p.text = behind
		switch flags {
		case "+Q", "Q":
			quoted = true
		case "-Q":
			quoted = false
		default:
			return fmt.Errorf("format: flags %q of %q, want +Q or -Q", flags, short(whole))
		}
	}
	if rest, ok := strings.CutPrefix(p.text, "["); ok {
		expression, behind, closed := strings.Cut(rest, "]")
		if !closed {
			return fmt.Errorf("format: %q has no closing bracket", short(whole))
		}
		p.text = behind
		return p.expression(expression, quoted)
	}
	end := 0
	for end < len(p.text) && isLetter(p.text[end]) {
		end++
	}
	name := p.text[:end]
	p.text = p.text[end:]
	if name == "o" { // for what follows
		p.quoted = quoted
		return nil
	}
	return p.variable(name, quoted, whole)
}

// variable adds what a name stands for.
func (p *parser) variable(name string, quoted bool, whole string) error {
	if name == "" {
		return fmt.Errorf("format: %q names nothing, want %%%% for the character itself", short(whole))
	}
	switch name { // these never change
	case "pid":
		p.literal(strconv.Itoa(os.Getpid()))
		return nil
	case "H":
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("format: %%H: %w", err)
		}
		if host = string(appendEscaped(nil, host, inField)); quoted {
			host = `"` + host + `"`
		}
		p.literal(host)
		return nil
	}
	i := slices.IndexFunc(aliases, func(a alias) bool { return a.name == name })
	if i < 0 {
		return fmt.Errorf("format: unknown %%%s, want one of %s", name, known())
	}
	a := &aliases[i]
	p.format.tls = p.format.tls || a.tls
	p.add(node{write: a.write, quoted: quoted, index: a.count(p.format)})
	return nil
}

// expression adds a captured field: "capture.req.hdr(0)" or "capture.res.hdr(0)".
func (p *parser) expression(text string, quoted bool) error {
	for _, from := range []struct {
		prefix string
		n      int
		write  func(dst []byte, l *line, n *node) []byte
	}{
		{"capture.req.hdr(", len(p.format.request), func(dst []byte, l *line, n *node) []byte { return n.value(dst, l.d.Request.At(n.index), inField) }},
		{"capture.res.hdr(", len(p.format.response), func(dst []byte, l *line, n *node) []byte { return n.value(dst, l.d.Response.At(n.index), inField) }},
	} {
		rest, ok := strings.CutPrefix(text, from.prefix)
		if !ok {
			continue
		}
		digits, ok := strings.CutSuffix(rest, ")")
		i, err := strconv.Atoi(digits)
		if !ok || err != nil || i < 0 || i >= from.n {
			return fmt.Errorf("format: %%[%s] is not captured, want %s", text, numbers(from.n))
		}
		p.add(node{write: from.write, quoted: quoted, index: i})
		return nil
	}
	return fmt.Errorf("format: unknown %%[%s], want capture.req.hdr(N) or capture.res.hdr(N)", text)
}

// numbers says which of n captures there are.
func numbers(n int) string {
	if n == 0 {
		return "captures"
	}
	return fmt.Sprintf("a number from 0 to %d", n-1)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// short is the beginning of what is wrong.
func short(text string) string { return text[:min(len(text), 20)] }
