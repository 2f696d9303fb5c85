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
	case errors.Is(err, io.EOF), err == nil && doc.Content[0].ShortTag() == "!!null":
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
	syntaxError   = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntax turns an error of the YAML parser into a problem.
func (s *source) syntax(err error) *Problem {
	line, what := s.syntaxLine(), err.Error()
	if m := syntaxError.FindStringSubmatch(what); m != nil {
		what = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil && line == 0 {
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
	line = max(line, 1)
	text := s.lines[line-1]
	column := len(text) - len(strings.TrimLeft(text, " ")) + 1
	if strings.HasPrefix(text[column-1:], "\t") {
		return s.problem(line, column, "a tab indents this line", "spaces")
	}
	return s.problem(line, column, "no YAML: "+what, "")
}

// maxSearched bounds the text that is parsed again to find the line of a syntax error.
const maxSearched = 4 << 20

// syntaxLine returns the first line that makes YAML of none of the text up to it: the parser itself tells where the part
// begins that it could not finish, which may be far above. 0: the text is too long to search.
func (s *source) syntaxLine() int {
	searched := 0
	for line := len(s.lines); line > 0; line-- {
		text := strings.Join(s.lines[:line-1], "\n")
		var doc yaml.Node
		if yaml.Unmarshal([]byte(text), &doc) == nil {
			return line
		}
		if searched += len(text); searched > maxSearched {
			return 0
		}
	}
	return 1
}

// problem is an error at a place.
func (s *source) problem(line, column int, what, want string) *Problem {
	return &Problem{File: s.name, Line: line, Column: column, What: what, Want: want, Source: s.shown(line)}
}

// shown returns a line of the text with the secrets in it starred out.
func (s *source) shown(line int) string {
	if line < 1 || line > len(s.lines) { // the parser counts by itself
		return ""
	}
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
