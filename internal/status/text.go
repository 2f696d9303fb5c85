package status

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteText writes the snapshot for people: a few lines about the node and a table for each kind of thing that it has.
// The error is that of w.
func (s Snapshot) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	s.writeNode(out)
	s.writeInstances(out)
	s.writeTrackers(out)
	s.writeFrontends(out)
	s.writeCertificates(out)
	s.writeBackends(out)
	s.writeTables(out)
	s.writeNames(out)
	s.writeAccessLogs(out)
	s.writeNotify(out)
	return out.Flush()
}

// writeTable writes an empty line, the head and the rows in columns; nothing when there are no rows. Errors stay in w,
// whose Flush reports them.
func writeTable(w *bufio.Writer, head string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	w.WriteByte('\n')
	var aligned strings.Builder
	tab := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, strings.ReplaceAll(head, "|", "\t"))
	for _, row := range rows {
		fmt.Fprintln(tab, strings.Join(row, "\t"))
	}
	_ = tab.Flush() // a strings.Builder takes everything
	for line := range strings.Lines(aligned.String()) {
		w.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
}

func (s Snapshot) writeNode(w *bufio.Writer) {
	fmt.Fprintf(w, "tandem %s on %s, pid %d, running for %s\n", s.Version, s.Node, s.PID, s.age(s.StartedAt))
	c := s.Config
	fmt.Fprintf(w, "configuration %s (%.12s), in force for %s\n", c.File, c.Hash, s.age(c.LoadedAt))
	for _, text := range c.Warnings {
		fmt.Fprintln(w, text)
	}
	if r := c.LastReload; !r.Time.IsZero() && !r.OK {
		fmt.Fprintf(w, "last reload refused %s ago: %s\n", s.age(r.Time), r.Error)
	}
	if len(s.Instances) > 0 {
		will := "no will"
		if s.Keeper.WillSet {
			will = "holds a will"
		}
		fmt.Fprintf(w, "keeper: %s, %s%s\n", s.Keeper.words(), will, s.Keeper.realTime())
	}
	if s.Runner != (Process{}) {
		fmt.Fprintf(w, "runner: %s\n", s.Runner.words())
	}
}

// words says how a child process is.
func (p Process) words() string {
	text := "NOT RUNNING"
	if p.Alive {
		text = "pid " + strconv.Itoa(p.PID)
	}
	if p.Restarts > 0 {
		text += ", restarted " + count(int(p.Restarts), "time")
	}
	return text
}

// realTime says what keeps the keeper on time on a busy host.
func (k Keeper) realTime() string {
	text := ""
	if k.RTPriority > 0 {
		text += ", real-time priority " + strconv.Itoa(k.RTPriority)
	}
	if k.Locked > 0 {
		text += ", memory locked"
	}
	return text
}

func (s Snapshot) writeInstances(w *bufio.Writer) {
	var rows [][]string
	for _, i := range s.Instances {
		peer := "-"
		if i.Peer != nil {
			peer = fmt.Sprintf("%s (%d, %s ago)", i.Peer.Address, i.Peer.Priority, s.age(i.Peer.Heard))
		}
		rows = append(rows, []string{
			i.Name, i.State, s.age(i.Since), fmt.Sprintf("%d of %d", i.Priority.Effective, i.Priority.Configured),
			i.Interface, strconv.Itoa(int(i.VRID)), peer,
		})
	}
	writeTable(w, "INSTANCE|STATE|FOR|PRIORITY|INTERFACE|VRID|PEER", rows)
	s.writeSyncGroups(w)
	for _, i := range s.Instances {
		if i.HMAC != nil {
			fmt.Fprintf(w, "  %s HMAC: %s\n", i.Name, i.HMAC.words())
		}
		for _, f := range i.Faults {
			fmt.Fprintf(w, "  %s fault: %s\n", i.Name, f)
		}
		for _, h := range i.Holds {
			fmt.Fprintf(w, "  %s holds back: %s\n", i.Name, h)
		}
		if text := vainHandover(i); text != "" {
			fmt.Fprintf(w, "  %s handed over: %s\n", i.Name, text)
		}
	}
	s.writeAddresses(w)
}

func (s Snapshot) writeAddresses(w *bufio.Writer) {
	var rows [][]string
	for _, i := range s.Instances {
		for _, a := range i.Addresses {
			held, lease := "no", "-"
			if a.Held {
				held = "yes"
			}
			if a.Lease > 0 {
				lease = seconds(a.Lease)
			}
			rows = append(rows, []string{a.Prefix.String(), i.Name, a.Interface, held, lease, orDash(s.trouble(a))})
		}
	}
	writeTable(w, "ADDRESS|INSTANCE|INTERFACE|HELD|LEASE|PROBLEM", rows)
}

// trouble says what is wrong with an address, and who else claimed it while it was held.
func (s Snapshot) trouble(a Address) string {
	var all []string
	if a.Error != "" {
		all = append(all, a.Error)
	}
	if a.ClaimedBy != "" {
		all = append(all, fmt.Sprintf("claimed by %s %s ago", a.ClaimedBy, s.age(a.ClaimedAt)))
	}
	return strings.Join(all, "; ")
}

func (s Snapshot) writeTrackers(w *bufio.Writer) {
	var rows [][]string
	for _, t := range s.Trackers {
		rows = append(rows, []string{t.Name, t.Status, s.age(t.Since), s.age(t.LastCheck), orDash(t.Text)})
	}
	writeTable(w, "TRACKER|STATUS|FOR|CHECKED|TEXT", rows)
}

func (s Snapshot) writeFrontends(w *bufio.Writer) {
	var rows [][]string
	for _, f := range s.Frontends {
		for n, b := range f.Binds {
			address := b.Path
			if address == "" {
				address = b.Address.String()
			}
			if b.TLS {
				address += " tls"
			}
			row := []string{"", address, b.Gate, "", ""} // a frontend's own figures stand in its first row
			if n == 0 {
				row = []string{f.Name, address, b.Gate, strconv.FormatInt(f.Connections, 10), strconv.FormatInt(f.Requests, 10)}
			}
			rows = append(rows, row)
		}
	}
	writeTable(w, "FRONTEND|BIND|GATE|CONNECTIONS|REQUESTS", rows)
	for _, f := range s.Frontends {
		if text := f.limits(); text != "" {
			fmt.Fprintf(w, "  %s limited clients: %s\n", f.Name, text)
		}
	}
}

// limits says what clients were refused: "2 requests, 1 connection"; empty: nothing.
func (f *Frontend) limits() string {
	var all []string
	for _, n := range []struct {
		count int64
		what  string
	}{{f.LimitedRequests, "request"}, {f.LimitedConnections, "connection"}} {
		if n.count > 0 {
			all = append(all, count(int(n.count), n.what))
		}
	}
	if f.ForgottenClients > 0 {
		all = append(all, "no room for "+count(int(f.ForgottenClients), "client"))
	}
	return strings.Join(all, ", ")
}

func (s Snapshot) writeBackends(w *bufio.Writer) {
	var rows [][]string
	for _, b := range s.Backends {
		if b.Waiting > 0 {
			rows = append(rows, []string{b.Name, "", "", "", "", "", strconv.FormatInt(b.Waiting, 10) + " wait", "", "", ""})
		}
		for _, v := range b.Servers {
			rows = append(rows, []string{
				b.Name, v.Name, v.where(), v.share(), cmp.Or(v.Held, v.Status), s.age(v.Since),
				strconv.FormatInt(v.InFlight, 10), strconv.FormatInt(v.Requests, 10),
				strconv.FormatInt(v.ConnectFailures+v.ResponseFailures, 10), orDash(v.Check),
			})
		}
	}
	writeTable(w, "BACKEND|SERVER|ADDRESS|WEIGHT|STATUS|FOR|IN FLIGHT|REQUESTS|FAILURES|CHECK", rows)
}

// writeTables writes the tables of who had which server, and how much is held of responses.
func (s Snapshot) writeTables(w *bufio.Writer) {
	var rows [][]string
	for _, b := range s.Backends {
		if t := b.Table; t != nil {
			clients := strconv.Itoa(t.Clients)
			if t.Clients >= t.Size {
				clients += " full"
			}
			rows = append(rows, []string{b.Name, clients, strconv.Itoa(t.Size), strconv.FormatInt(t.Evicted, 10)})
		}
	}
	writeTable(w, "STICK TABLE|CLIENTS|SIZE|EVICTED", rows)
	if s.Buffered > 0 {
		fmt.Fprintf(w, "\nresponses held for slow clients: %d KiB\n", (s.Buffered+1023)>>10)
	}
}

func (s Snapshot) writeAccessLogs(w *bufio.Writer) {
	var rows [][]string
	for _, l := range s.AccessLogs {
		rows = append(rows, []string{l.Output, strconv.FormatInt(l.Lines, 10), strconv.FormatInt(l.Lost, 10), orDash(l.Error)})
	}
	writeTable(w, "ACCESS LOG|LINES|LOST|LAST ERROR", rows)
}

// share is the weight of a server and what holds it back: "3", "3 at 45 %", "1 backup".
func (v *Server) share() string {
	words := strconv.Itoa(v.Weight)
	if v.Throttle < 100 {
		words += " at " + strconv.Itoa(v.Throttle) + " %"
	}
	if v.Backup {
		words += " backup"
	}
	return words
}

func (s Snapshot) writeNotify(w *bufio.Writer) {
	var rows [][]string
	for _, n := range s.Notify {
		last := "-"
		switch {
		case n.Failure != "":
			last = n.State + ": " + strings.TrimSuffix(n.Failure+": "+n.Output, ": ")
		case n.Runs > 0:
			last = n.State + ": ok"
		}
		rows = append(rows, []string{
			n.Instance, strconv.FormatUint(n.Runs, 10), strconv.FormatUint(n.Failures, 10),
			strconv.FormatUint(n.Coalesced, 10), s.age(n.LastRun), last,
		})
	}
	writeTable(w, "NOTIFY|RUNS|FAILURES|COALESCED|LAST|RESULT", rows)
}

// words says how adverts are signed: "enforce, signs with key 2, takes keys 1, 2".
func (h HMAC) words() string {
	ids := make([]string, len(h.Keys))
	for i, id := range h.Keys {
		ids[i] = strconv.Itoa(id)
	}
	signs := "signs with key " + strconv.Itoa(h.Active)
	if h.Mode == "receive-only" {
		signs = "does not sign"
	}
	return h.Mode + ", " + signs + ", takes keys " + strings.Join(ids, ", ")
}
