package config

import (
	"slices"
	"strings"

	"github.com/tandem-lb/tandem/proxy/health"
)

// rawProbe is a kind of probe as it is configured. A nil one is not there.
type rawProbe interface {
	there() bool
	// keys are those of the section, whose path is in.
	keys(in string) []Key
	config() health.Kind
	port() uint16 // of its own; 0: it has none
	// check reports what does not fit together in it.
	check(b *builder, path string)
}

type namedProbe struct {
	name string // of its key
	rawProbe
}

// probes is the one table of the kinds of probes. Each stands in a file of its own.
func (raw *rawCheck) probes() []namedProbe {
	return []namedProbe{
		{"tcp", raw.TCP},
		{"http", raw.HTTP},
		{"grpc", raw.GRPC},
		{"script", raw.Script},
	}
}

// probeNames are the names of all but some, as words stand in a sentence: a, b and c.
func probeNames(and string, but ...string) string {
	var names []string
	for _, p := range (&rawCheck{}).probes() {
		if !slices.Contains(but, p.name) {
			names = append(names, p.name)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + and + " " + names[last]
}

// ownPort says what a port of a probe is.
const ownPort = "Another port than the one for traffic. It is asked without TLS, unless `tls` is there."
