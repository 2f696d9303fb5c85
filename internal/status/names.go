package status

import (
	"bufio"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Lookups are the names that servers are found by, and what asking for them has come to since the start.
type Lookups struct {
	Names      []Name `json:"names"`       // in the order of the configuration
	Questions  int64  `json:"questions"`   // sent to nameservers
	Timeouts   int64  `json:"timeouts"`    // that were not answered in time
	Truncated  int64  `json:"truncated"`   // answers that were asked for again by TCP
	BadPackets int64  `json:"bad_packets"` // what came in the place of an answer and was ignored
	Failures   int64  `json:"failures"`    // lookups without an answer
}

// Name is one of them.
type Name struct {
	Name      string           `json:"name"`
	Family    string           `json:"family"`
	Addresses []netip.AddrPort `json:"addresses"` // that are known; their port is 0 for a host
	Asked     time.Time        `json:"asked,omitzero"`
	Answered  time.Time        `json:"answered,omitzero"`
	Next      time.Time        `json:"next,omitzero"` // when it is asked for again; absent: it is being asked for
	Failures  int              `json:"failures"`      // in a row
	Error     string           `json:"error,omitempty"`
}

// mostShown is how many addresses of a name a line has room for.
const mostShown = 4

// words are the addresses as a line of a table has them.
func (n Name) words() string {
	if len(n.Addresses) == 0 {
		return "none"
	}
	var all []string
	for _, a := range n.Addresses[:min(len(n.Addresses), mostShown)] {
		if a.Port() == 0 {
			all = append(all, a.Addr().String())
		} else {
			all = append(all, a.String())
		}
	}
	if more := len(n.Addresses) - len(all); more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, " ")
}

// again is when it is asked for again.
func (s Snapshot) again(n Name) string {
	if n.Next.IsZero() {
		return "now"
	}
	return "in " + span(n.Next.Sub(s.Time))
}

func (s Snapshot) writeNames(w *bufio.Writer) {
	var rows [][]string
	for _, n := range s.Lookups.Names {
		rows = append(rows, []string{n.Name, n.words(), s.age(n.Asked), s.again(n), orDash(n.Error)})
	}
	writeTable(w, "NAME|ADDRESSES|ASKED|AGAIN|LAST ERROR", rows)
}

// explainNames tells of names without an answer.
func explainNames(s Snapshot) []string {
	var lines []string
	for _, n := range s.Lookups.Names {
		if n.Error == "" {
			continue
		}
		use := "its servers have no address"
		if len(n.Addresses) > 0 {
			use = "its last addresses stay in use (" + n.words() + ")"
		}
		lines = append(lines, fmt.Sprintf("No answer for the name %s: %s; %s. It is asked for again %s.", n.Name, n.Error, use, s.again(n)))
	}
	return lines
}

// where is the address of a server as a line of a table has it.
func (v *Server) where() string {
	address := "none"
	switch {
	case v.Path != "":
		address = v.Path
	case v.Address.IsValid():
		address = v.Address.String()
	}
	if v.Lookup != "" {
		address += " (" + v.Lookup + ")"
	}
	return address
}
