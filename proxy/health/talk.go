package health

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strconv"
)

// Step is something that a probe sends, or that it wants to hear. Exactly one of its fields is set.
type Step struct {
	Send   string // octets
	Expect string // octets, anywhere in what has come since something was sent last
	Regexp string // RE2, in the same way
}

// fault says what is wrong with it; nil: nothing.
func (s *Step) fault() error {
	set := 0
	for _, text := range []string{s.Send, s.Expect, s.Regexp} {
		if text != "" {
			set++
		}
	}
	if set != 1 {
		return errors.New("a step sends nothing and expects nothing, or both, want one of them")
	}
	_, err := regexp.Compile(s.Regexp)
	return err
}

// talk is steps as they are carried out.
type talk []turn

// turn is one of them.
type turn struct {
	Step
	pattern *regexp.Regexp // of Regexp
}

// newTalk returns what Check.Fault has found no fault with.
func newTalk(steps []Step) talk {
	t := make(talk, len(steps))
	for i, s := range steps {
		t[i] = turn{Step: s, pattern: regexp.MustCompile(s.Regexp)}
	}
	return t
}

// probe carries the steps out on a connection.
func (t talk) probe(ctx context.Context, conn link) outcome {
	defer conn.follow(ctx)()
	var heard []byte
	for i := range t {
		s := &t[i]
		if s.Send != "" {
			heard = heard[:0]
			if _, err := io.WriteString(conn, s.Send); err != nil {
				return outcome{text: failure(layer7, err), connect: conn.took}
			}
			continue
		}
		var err error
		for !s.found(heard) {
			if len(heard) >= maxBody {
				err = errTooMuch
			} else {
				heard, err = hear(conn, heard)
			}
			if err != nil {
				return outcome{text: failure(layer7, err) + ", want " + s.want() + quote(heard), connect: conn.took}
			}
		}
	}
	return outcome{ok: true, text: "layer 7 answers as expected", connect: conn.took}
}

var errTooMuch = errors.New("too much came")

// hear appends what comes next.
func hear(r io.Reader, heard []byte) ([]byte, error) {
	var room [4 << 10]byte
	n, err := r.Read(room[:])
	if n > 0 {
		err = nil
	} else if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return append(heard, room[:n]...), err
}

func (s *turn) found(heard []byte) bool {
	if s.Expect != "" {
		return bytes.Contains(heard, []byte(s.Expect))
	}
	return s.pattern.Match(heard)
}

// want puts what is waited for into words.
func (s *turn) want() string {
	if s.Expect != "" {
		return strconv.Quote(s.Expect)
	}
	return "a match of " + strconv.Quote(s.Regexp)
}
