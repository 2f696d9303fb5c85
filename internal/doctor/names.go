package doctor

import (
	"fmt"
	"strings"
	"time"
)

// Lookup is a name that servers are found by, and what it stood for when it was asked for.
type Lookup struct {
	Name      string
	Servers   []string // that are found by it: "web/web1"
	Addresses int      // that it has
	Err       string   // why it has none, or not all; empty: no reason is known
	Took      time.Duration
}

// slowLookup is how long an answer may take before it is worth a word.
const slowLookup = time.Second

func judgeNames(f *Facts) []Finding {
	if len(f.Lookups) == 0 {
		return []Finding{fine("no server has a name")}
	}
	var found []Finding
	var known []string
	for _, l := range f.Lookups {
		of := joined(l.Servers)
		check := "getent ahosts " + strings.TrimSuffix(l.Name, ".")
		switch {
		case l.Addresses == 0 && l.Err != "":
			found = append(found, warn(l.Name+" has no address: "+l.Err, of+" is down as long as that is so; nothing else waits for it", check, "proxy.resolvers says who is asked, or /etc/resolv.conf"))
		case l.Addresses == 0:
			found = append(found, warn(fmt.Sprintf("%s has no answer after %v", l.Name, l.Took.Round(time.Millisecond)), of+" is down until there is one", check, "proxy.resolvers says who is asked, or /etc/resolv.conf"))
		case l.Err != "":
			found = append(found, warn(l.Name+" has an answer that is not whole: "+l.Err, "some servers of "+of+" keep the addresses that they had, or have none", check))
		case l.Took > slowLookup:
			found = append(found, warn(fmt.Sprintf("%s took %v to be answered", l.Name, l.Took.Round(time.Millisecond)), "a nameserver may be silent, and changes of addresses are noticed later", check, "put the nameserver that answers first"))
		default:
			known = append(known, fmt.Sprintf("%s (%d)", l.Name, l.Addresses))
		}
	}
	if len(known) > 0 {
		found = append(found, fine("names with addresses: "+joined(known)))
	}
	return found
}
