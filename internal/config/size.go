package config

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// sizeUnits are those of sizes, by what stands behind the number.
var sizeUnits = []struct {
	word   string
	octets int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}}

// size is a number of octets, such as 512 or 16MiB, between two others.
func size(least, most string) Type {
	low, _ := parseSize(least) // the table's test reads both
	high, _ := parseSize(most)
	r := least + " to " + most
	return Type{Kind: "size", Unit: "octets, or in the value: KiB, MiB, GiB", Range: r, Want: "a size such as 64KiB, from " + r, tags: "!!str !!int",
		fault: func(text string) string {
			n, ok := parseSize(text)
			switch {
			case !ok:
				return quote(text) + " is no size"
			case n < low || n > high:
				return shorten(text) + " is out of range"
			}
			return ""
		}}
}

// parseSize reads a size that an int64 can hold.
func parseSize(text string) (octets int64, ok bool) {
	unit := int64(1)
	for _, u := range sizeUnits {
		if digits, found := strings.CutSuffix(text, u.word); found {
			text, unit = digits, u.octets
			break
		}
	}
	if !decimal.MatchString(text) {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > (1<<63-1)/unit {
		return 0, false
	}
	return n * unit, true
}

// maxBody is that of a frontend, or of the defaults. TCP has none.
func (f *rawFrontend) maxBody(defaults rawSize) int64 {
	if f.Mode == modeTCP {
		return 0
	}
	return int64(cmp.Or(f.MaxBody, defaults))
}

// rawSize is a size of the file, in octets.
type rawSize int64

// UnmarshalYAML reads a size that the walk has let through.
func (s *rawSize) UnmarshalYAML(n *yaml.Node) error {
	octets, ok := parseSize(n.Value)
	if !ok {
		return fmt.Errorf("line %d: %s is no size", n.Line, quote(n.Value))
	}
	*s = rawSize(octets)
	return nil
}
