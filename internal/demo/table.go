package demo

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
)

// row is one line of the table.
type row struct {
	fault string
	seen  drill.Summary
	bound time.Duration // of the outage
	why   string
}

func (r row) broken() bool { return r.seen.Requests == 0 || r.seen.Outage > r.bound }

func printTable(w io.Writer, rows []row) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nFAULT\tOUTAGE\tFAILED\tREQUESTS\tBOUND\tVERDICT")
	for _, r := range rows {
		verdict := "ok"
		if r.broken() {
			verdict = "TOO LONG"
		}
		fmt.Fprintf(t, "%s\t%d ms\t%d\t%d\t%d ms (%s)\t%s\n", r.fault, r.seen.Outage.Milliseconds(), r.seen.Failed, r.seen.Requests,
			r.bound.Milliseconds(), r.why, verdict)
	}
	_ = t.Flush() // a closed output has nobody to tell
}
