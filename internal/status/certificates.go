package status

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
)

// maxAlarms bounds the alarms in WriteText. The JSON has all.
const maxAlarms = 20

// writeCertificates writes a line about all certificates, for there may be thousands, and one for each that is in trouble.
func (s Snapshot) writeCertificates(w *bufio.Writer) {
	t := s.TLS
	if len(t.Certificates) == 0 {
		return
	}
	first := slices.MinFunc(t.Certificates, func(a, b Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
	name := first.File
	if len(first.Names) > 0 {
		name = first.Names[0]
	}
	ends := "the first one expires in " + span(first.NotAfter.Sub(s.Time))
	if first.NotAfter.Before(s.Time) {
		ends = "the first one expired " + s.age(first.NotAfter) + " ago"
	}
	fmt.Fprintf(w, "\n%s, %s: %s\n", count(len(t.Certificates), "certificate"), ends, name)
	for _, a := range t.Alarms[:min(len(t.Alarms), maxAlarms)] {
		text := a.Text
		if !strings.Contains(text, a.File) {
			text = a.File + ": " + text
		}
		if !a.Since.IsZero() {
			text += " (for " + s.age(a.Since) + ")"
		}
		fmt.Fprintf(w, "  %s\n", text)
	}
	if more := len(t.Alarms) - maxAlarms; more > 0 {
		fmt.Fprintf(w, "  and %s more: tandem status --json\n", count(more, "file"))
	}
}
