package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Type is what the value of a key may be. Its words serve the reference and the errors alike.
type Type struct {
	Kind  string // "whole number", "duration", "text", ...
	Unit  string // "octets"; empty: none, or the value itself has it
	Range string // "1 to 255"; empty: the kind says it all
	Want  string // all of it as a noun phrase: "a whole number from 1 to 255"

	tags     string                   // the YAML tags of the scalars that may be it
	fault    func(text string) string // what is wrong with a scalar, "" for nothing; nil: no scalar will do
	names    *Type                    // of a section: what its names may be, where they are the user's choice
	min, max int                      // of a list: how many items
}

const (
	kindSection = "section"
	kindList    = "list"
)

// textTags are the tags of scalars whose text is taken as it stands: `password: 0123` is four characters.
const textTags = "!!str !!int !!float !!timestamp"

// section is a map of the keys that the table has below it.
func section() Type { return Type{Kind: kindSection, Want: "a section of keys"} }

// names is a map of names of the user's choice.
func names(of Type) Type {
	return Type{Kind: kindSection, Range: "names: " + of.Range, Want: "a section with names as keys", names: &of}
}

// list is a list of least to most items.
func list(least, most int) Type {
	r := fmt.Sprintf("%d to %d items", least, most)
	return Type{Kind: kindList, Range: r, Want: "a list of " + r, min: least, max: most}
}

// integer is a whole number in decimal digits.
func integer(least, most int) Type {
	r := fmt.Sprintf("%d to %d", least, most)
	return Type{Kind: "whole number", Range: r, Want: fmt.Sprintf("a whole number from %d to %d", least, most), tags: "!!int",
		fault: func(text string) string {
			if !decimal.MatchString(text) {
				return text + " is not in plain decimal digits"
			}
			if n, err := strconv.Atoi(text); err != nil || n < least || n > most {
				return shorten(text) + " is out of range"
			}
			return ""
		}}
}

var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// boolean is true or false, and not YAML 1.1's yes and no.
func boolean() Type {
	return Type{Kind: "true or false", Want: "true or false", tags: "!!bool", fault: func(text string) string {
		if s := strings.ToLower(text); s != "true" && s != "false" {
			return quote(text) + " is neither true nor false"
		}
		return ""
	}}
}

// duration is a Go duration between two others.
func duration(least, most string) Type {
	low, high := mustDuration(least), mustDuration(most)
	r := least + " to " + most
	return Type{Kind: "duration", Unit: "in the value: ms, s, m, h", Range: r,
		Want: "a duration such as 5s, from " + r, tags: "!!str !!int !!float",
		fault: func(text string) string {
			d, err := time.ParseDuration(text)
			switch _, number := strconv.ParseFloat(text, 64); {
			case number == nil:
				return shorten(text) + " has no unit"
			case err != nil:
				return quote(text) + " is no duration"
			case d < low || d > high:
				return shorten(text) + " is out of range"
			}
			return ""
		}}
}

// centisecond is what version 3 counts intervals in (RFC 9568 section 5.2.7).
const centisecond = 10 * time.Millisecond

// steps is a duration in steps of a centisecond.
func steps(least, most string) Type {
	t := duration(least, most)
	t.Range += ", in steps of 10ms"
	t.Want += ", in steps of 10ms"
	inRange := t.fault
	t.fault = func(text string) string {
		if what := inRange(text); what != "" {
			return what
		}
		if mustDuration(text)%centisecond != 0 {
			return text + " is not in steps of 10ms"
		}
		return ""
	}
	return t
}

// advertInterval is what one of the versions takes. Which one it is shows later.
func advertInterval() Type {
	t := steps("10ms", "255s")
	t.Range = intervalV2 + "; version 3: " + intervalV3
	t.Want = "a duration from " + intervalV2 + ", or with version 3 from " + intervalV3
	return t
}

// What each version takes.
const (
	intervalV2 = "1s to 255s in whole seconds"
	intervalV3 = "10ms to 40.95s in steps of 10ms"
)

// mustDuration is for durations that stand in the table or have been checked.
func mustDuration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		panic("a duration of the table of keys: " + err.Error())
	}
	return d
}

// oneOf is one of a few words.
func oneOf(words ...string) Type {
	return Type{Kind: "word", Range: oxford(words), Want: oxford(words), tags: textTags + " !!bool", fault: func(text string) string {
		for _, w := range words {
			if text == w {
				return ""
			}
		}
		return "unknown value " + quote(text)
	}}
}

// later adds words that are known, but not in this version.
func (t Type) later(words ...string) Type {
	known := t.fault
	t.fault = func(text string) string {
		for _, w := range words {
			if text == w {
				return w + " is not in this version"
			}
		}
		return known(text)
	}
	return t
}

// line is text without a line break.
func line(most int) Type {
	return Type{Kind: "text", Unit: "octets", Range: fmt.Sprintf("1 to %d", most), Want: fmt.Sprintf("text of 1 to %d octets", most),
		tags: textTags, fault: func(text string) string {
			switch {
			case text == "":
				return "the text is empty"
			case len(text) > most:
				return fmt.Sprintf("the text has %d octets", len(text))
			case strings.ContainsFunc(text, isControl):
				return quote(text) + " holds a control character"
			}
			return ""
		}}
}

// isControl takes Unicode's line breaks for control characters too: YAML ends a line at them, and editors do not.
func isControl(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// body is text that may have many lines, or none.
func body(most int) Type {
	return Type{Kind: "text", Unit: "octets", Range: fmt.Sprintf("0 to %d", most), Want: fmt.Sprintf("text of at most %d octets", most),
		tags: textTags, fault: func(text string) string {
			if len(text) > most {
				return fmt.Sprintf("the text has %d octets", len(text))
			}
			return ""
		}}
}

// pattern is text of at most so many octets that an expression matches; is says what it then is.
func pattern(is, reach string, most int, expression string) Type {
	re := regexp.MustCompile(expression)
	return Type{Kind: is, Range: reach, Want: article(is) + " (" + reach + ")", tags: textTags, fault: func(text string) string {
		if len(text) > most || !re.MatchString(text) {
			return quote(text) + " is no " + is
		}
		return ""
	}}
}

// expression is a regular expression of RE2's syntax, of at most so many octets.
func expression(most int) Type {
	t := line(most)
	t.Kind, t.Want = "regular expression", "a regular expression (RE2) of "+t.Range+" octets"
	text := t.fault
	t.fault = func(s string) string {
		if what := text(s); what != "" {
			return what
		}
		if _, err := regexp.Compile(s); err != nil {
			return err.Error()
		}
		return ""
	}
	return t
}

// identifier is what instances, nodes, backends and the like are called, in logs, metrics and paths.
func identifier() Type {
	return pattern("name", "1 to 63 of letters, digits, _ . -, a letter or digit first", 63, `^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
}

// interfaceName is what the kernel takes for one (dev_valid_name): no slash, colon or blank, and neither "." nor "..".
func interfaceName() Type {
	t := pattern("interface name", "1 to 15 octets", 15, `^[^/:\s\x00-\x1f]+$`)
	valid := t.fault
	t.fault = func(text string) string {
		if text == "." || text == ".." {
			return quote(text) + " is no interface name"
		}
		return valid(text)
	}
	return t
}

// filePath is the absolute path of a file.
func filePath() Type {
	return pattern("absolute path", "starts with a slash, at most 4095 octets", 4095, `^/[^\x00-\x1f]*$`)
}

// headerValue is what may stand in a header field behind its name.
func headerValue() Type {
	return pattern("header value", "1 to 4096 of printable ASCII, no blank at the ends", 4096, `^[!-~]([ -~]*[!-~])?$`)
}

// headerName is a token (RFC 9110 section 5.6.2).
func headerName() Type {
	return pattern("header name", "1 to 128 of letters, digits and !#$%&'*+-.^_`|~", 128, "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
}

// quote returns text in quotes, not more of it than a line can bear.
func quote(text string) string { return strconv.Quote(shorten(text)) }

// shorten returns text, cut where it is long.
func shorten(text string) string {
	const most = 48
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

func article(noun string) string {
	if strings.ContainsRune("aeioAEIO", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// oxford joins words as a sentence does: a, b or c.
func oxford(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
