package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const (
	// maxSize bounds the file: ten thousand servers fit several times over.
	maxSize = 8 << 20
	// maxAliased bounds the nodes that aliases may add, since a few lines of them can stand for billions.
	maxAliased = 10000
)

// source is the text of a file and the tree in it.
type source struct {
	name    string
	lines   []string
	root    *yaml.Node            // aliases replaced by copies; nil where the text is no YAML
	secrets []*yaml.Node          // scalars that no report may show
	places  map[string]*yaml.Node // by path; made at the first question
}

// parse reads text into a tree. The problem is nil where it could.
func parse(name string, text []byte) (*source, *Problem) {
	src := &source{name: name}
	if len(text) > maxSize {
		return src, &Problem{File: name, What: "the file has " + strconv.Itoa(len(text)) + " bytes", Want: "at most " + strconv.Itoa(maxSize)}
	}
	src.lines = strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n")
	for i, line := range src.lines {
		src.lines[i] = strings.TrimSuffix(line, "\r")
	}
	if p := src.encoding(); p != nil {
		return src, p
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return src, src.problem(1, 1, "the file is empty", "proxy.frontends or vrrp.instances in it")
	case err != nil:
		return src, src.syntax(err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return src, src.problem(second.Line, second.Column, "a second document starts here", "one document in a file")
	case !errors.Is(err, io.EOF):
		return src, src.syntax(err)
	}
	aliases := expander{left: maxAliased}
	root := aliases.expand(doc.Content[0])
	if aliases.left < 0 {
		return src, src.problem(root.Line, root.Column, "aliases stand for more than "+strconv.Itoa(maxAliased)+" values", "fewer, and none inside its own anchor")
	}
	src.root = root
	return src, nil
}

// encoding finds what is not text.
func (s *source) encoding() *Problem {
	for i, line := range s.lines {
		for at, r := range line {
			switch _, size := utf8.DecodeRuneInString(line[at:]); {
			case r == utf8.RuneError && size == 1:
				return s.problem(i+1, utf8.RuneCountInString(line[:at])+1, "a byte that is not UTF-8", "UTF-8 text")
			case isControl(r) && r != '\t':
				return s.problem(i+1, utf8.RuneCountInString(line[:at])+1, "a control character", "printable text")
			}
		}
	}
	return nil
}

var (
	syntaxLine    = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntax turns an error of the YAML parser into a problem. The parser tells a line at most, and not always the one where
// a reader would look first.
func (s *source) syntax(err error) *Problem {
	line, what := 1, err.Error()
	if m := syntaxLine.FindStringSubmatch(what); m != nil {
		what = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = min(n, len(s.lines))
		}
	}
	if m := unknownAnchor.FindStringSubmatch(what); m != nil {
		for i, l := range s.lines {
			if at := strings.Index(l, "*"+m[1]); at >= 0 {
				return s.problem(i+1, utf8.RuneCountInString(l[:at])+1, "no anchor &"+m[1]+" before this alias", "")
			}
		}
	}
	for i := line - 1; i < min(line+1, len(s.lines)); i++ { // a tab is found out on the line after it
		indent := s.lines[i][:len(s.lines[i])-len(strings.TrimLeft(s.lines[i], " \t"))]
		if at := strings.IndexByte(indent, '\t'); at >= 0 {
			return s.problem(i+1, at+1, "a tab indents this line", "spaces")
		}
	}
	text := s.lines[line-1]
	return s.problem(line, len(text)-len(strings.TrimLeft(text, " "))+1, "no YAML: "+what, "")
}

// problem is an error at a place.
func (s *source) problem(line, column int, what, want string) *Problem {
	p := &Problem{File: s.name, Line: line, Column: column, What: what, Want: want}
	if line >= 1 && line <= len(s.lines) {
		p.Source = s.hidden(line)
	}
	return p
}

// hidden returns a line of the text with the secrets in it starred out.
func (s *source) hidden(line int) string {
	text := s.lines[line-1]
	for _, n := range s.secrets {
		if n.Value == "" || line < n.Line || line > n.Line+strings.Count(n.Value, "\n") {
			continue
		}
		runes := []rune(text)
		if from := n.Column - 1; line == n.Line && from < len(runes) {
			masked := strings.Repeat("*", len(runes)-from)
			if plain := string(runes[from:]); strings.Contains(plain, n.Value) {
				masked = strings.ReplaceAll(plain, n.Value, strings.Repeat("*", utf8.RuneCountInString(n.Value)))
			}
			text = string(runes[:from]) + masked
		}
	}
	return text
}

// at returns the node that a path names, or the nearest one above it that is in the text.
func (s *source) at(path string) *yaml.Node {
	if s.places == nil {
		s.places = map[string]*yaml.Node{}
		s.index(s.root, "")
	}
	for path != "" {
		if n := s.places[path]; n != nil && n.Line > 0 { // defaults have no line
			return n
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return s.root
}

func (s *source) index(n *yaml.Node, path string) {
	s.places[path] = n
	for i, sub := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode:
			s.index(sub, item(path, i))
		case i%2 == 1:
			s.index(sub, join(path, n.Content[i-1].Value))
		}
	}
}

// plainKey is a key that needs no quotes in a path.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// join returns the path of a key below path.
func join(path, key string) string {
	if !plainKey.MatchString(key) {
		return path + "[" + quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// item returns the path of an item of a list.
func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
