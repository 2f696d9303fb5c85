package health

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// expectation is what an answer has to be.
type expectation struct {
	statuses []Status // empty: 200 to 399
	want     string   // the same in words
	body     string   // empty: any
	pattern  *regexp.Regexp
}

func newExpectation(h *HTTP) expectation {
	e := expectation{statuses: h.Status, want: wanted(h.Status), body: h.Body}
	if h.Regexp != "" {
		e.pattern = regexp.MustCompile(h.Regexp) // Check.Fault has seen to it
	}
	return e
}

// judge turns an answer into an outcome; err is what reading its body ended with.
func (e *expectation) judge(status int, body []byte, err error) outcome {
	text := fmt.Sprintf("HTTP status %d", status)
	switch {
	case !e.expects(status):
		return outcome{code: status, text: text + ", want " + e.want + quote(body)}
	case err != nil:
		return outcome{code: status, text: text + ", body: " + failure(layer7, err)}
	case e.body != "" && !bytes.Contains(body, []byte(e.body)):
		return outcome{code: status, text: text + ", body without " + strconv.Quote(e.body) + quote(body)}
	case e.pattern != nil && !e.pattern.Match(body):
		return outcome{code: status, text: text + ", body does not match " + strconv.Quote(e.pattern.String()) + quote(body)}
	}
	return outcome{ok: true, code: status, text: text}
}

func (e *expectation) expects(status int) bool {
	if len(e.statuses) == 0 {
		return 200 <= status && status < 400
	}
	for _, r := range e.statuses {
		if r.From <= status && status <= r.To {
			return true
		}
	}
	return false
}

// wanted puts the expected statuses into words.
func wanted(statuses []Status) string {
	if len(statuses) == 0 {
		return "200 to 399"
	}
	words := make([]string, len(statuses))
	for i, s := range statuses {
		words[i] = strconv.Itoa(s.From)
		if s.To != s.From {
			words[i] += " to " + strconv.Itoa(s.To)
		}
	}
	return strings.Join(words, " or ")
}
