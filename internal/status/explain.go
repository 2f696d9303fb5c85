package status

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Explain says in sentences why an instance is in its state, which inputs count, and what would change it. The empty
// name stands for all instances. A name that no instance has is an error.
func Explain(s Snapshot, name string) ([]string, error) {
	if name == "" {
		return explainAll(s), nil
	}
	i := slices.IndexFunc(s.Instances, func(i Instance) bool { return i.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("no instance %q; this node has %s", name, names(s.Instances))
	}
	return explain(s, s.Instances[i]), nil
}

func explainAll(s Snapshot) []string {
	if len(s.Instances) == 0 {
		return append([]string{"This node has no VRRP instance: it is a plain load balancer, and always serves."}, explainNames(s)...)
	}
	var lines []string
	for n, i := range s.Instances {
		if n > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, explain(s, i)...)
	}
	if names := explainNames(s); len(names) > 0 {
		lines = append(append(lines, ""), names...)
	}
	return lines
}

func names(instances []Instance) string {
	if len(instances) == 0 {
		return "none"
	}
	return strings.Join(namesOf(instances), ", ")
}

// explain is the story of one instance: its state, its inputs, what would change it.
func explain(s Snapshot, i Instance) []string {
	lines := append([]string{headline(s, i)}, explainSync(s, i)...)
	if i.Peer != nil {
		lines = append(lines, fmt.Sprintf("  The last advert of another router came %s ago from %s, priority %d.",
			s.age(i.Peer.Heard), i.Peer.Address, i.Peer.Priority))
	}
	lines = append(lines, "  "+sum(i))
	for _, t := range i.Terms {
		lines = append(lines, fmt.Sprintf("    %s, weight %d: %s", t.Tracker, t.Weight, t.Text))
	}
	for _, f := range i.Faults {
		lines = append(lines, "  Fault: "+f)
	}
	for _, h := range i.Holds {
		lines = append(lines, "  Holds back: "+h)
	}
	if text := vainHandover(i); text != "" {
		lines = append(lines, "  Handed over: "+text)
	}
	for _, a := range i.Addresses {
		if problem := addressProblem(i, a); problem != "" {
			lines = append(lines, "  Problem: "+problem)
		}
	}
	lines = append(lines, "  What would change it:")
	for _, c := range changes(s, i) {
		lines = append(lines, "    - "+c)
	}
	return lines
}

// vainHandover words a handover that nobody took, "" where there is none. Elsewhere it holds the instance back.
func vainHandover(i Instance) string {
	if i.State != Master || i.HandoverUntil.IsZero() {
		return ""
	}
	return "nobody else has the addresses; another master would be left alone until " + i.HandoverUntil.Format(time.TimeOnly) + ", or tandem handover --release"
}

// headline is the state, since when, and the reason of the transition that led to it.
func headline(s Snapshot, i Instance) string {
	text := fmt.Sprintf("%s (VRID %d on %s) is %s", i.Name, i.VRID, i.Interface, i.State)
	if !i.Since.IsZero() {
		text += " for " + s.age(i.Since)
	}
	if n := len(i.Transitions); n > 0 && i.Transitions[n-1].To == i.State {
		text += ": " + i.Transitions[n-1].Reason
	}
	return text + "."
}

// sum is the arithmetic of the priority.
func sum(i Instance) string {
	p := i.Priority
	text := "Priority " + strconv.Itoa(int(p.Effective)) + ": configured " + strconv.Itoa(int(p.Configured))
	total := int(p.Configured)
	for _, t := range i.Terms {
		if t.Delta != 0 {
			text += fmt.Sprintf(", %+d %s", t.Delta, t.Tracker)
			total += t.Delta
		}
	}
	if total != int(p.Effective) {
		text += ", bounded to 1..254"
	}
	return text + "."
}

// addressProblem words an address that is not where the state says it belongs.
func addressProblem(i Instance, a Address) string {
	switch {
	case a.Error != "":
		return a.Prefix.String() + ": " + a.Error
	case i.State == Master && !a.Held:
		return a.Prefix.String() + " is not on " + a.Interface + " although the instance is MASTER"
	case i.State != Master && a.Held:
		return a.Prefix.String() + " is on " + a.Interface + " although the instance is " + i.State
	default:
		return ""
	}
}

// changes lists what would move the instance to another state.
func changes(s Snapshot, i Instance) []string {
	var all []string
	switch i.State {
	case Master:
		all = append(all, "another router with "+stronger(i.Priority.Effective)+" becomes master")
	case Backup:
		if !i.WantsMaster { // else only its sync group keeps it from being MASTER
			all = backupChanges(i)
		}
	case Fault:
		all = append(all, "when "+faultEnd(len(i.Faults))+", it becomes BACKUP, and listens for "+seconds(i.DownAfter)+" before it takes over")
	default:
		all = append(all, "it has not started yet")
	}
	if c := syncChange(s, i); c != "" {
		all = append(all, c)
	}
	for _, t := range i.Terms {
		if c := flip(i, t); c != "" {
			all = append(all, c)
		}
	}
	return all
}

func faultEnd(faults int) string {
	if faults == 1 {
		return "the fault ends"
	}
	return "its " + count(faults, "fault") + " end"
}

// stronger words the adverts to which a master of this priority yields.
func stronger(priority uint8) string {
	if priority == 255 {
		return "priority 255, another address owner, and a higher address"
	}
	return "a priority above " + strconv.Itoa(int(priority)) + ", or with the same one and a higher address,"
}

func backupChanges(i Instance) []string {
	all := []string{"when the master is silent for " + seconds(i.DownAfter) + ", it takes over"}
	switch {
	case !i.Preempt:
		all = append(all, "preempt is off: it takes over from a live master only when that one's priority falls below "+
			strconv.Itoa(int(i.Priority.Effective))+" during its term")
	case len(i.Holds) > 0:
		all = append(all, "it takes over from a live master of lower priority once nothing holds it back")
	default:
		all = append(all, "when the master's priority is below "+strconv.Itoa(int(i.Priority.Effective))+", it takes over")
	}
	return all
}

// flip says what happens when one tracker changes its status, "" when that changes nothing.
func flip(i Instance, t Term) string {
	switch {
	case t.Number:
		return flipNumber(i, t)
	case t.Weight == 0 && t.Status == "up":
		return fmt.Sprintf("if %s goes down: FAULT", t.Tracker)
	case t.Weight == 0:
		return "" // the faults say so
	case i.Priority.Configured == 255:
		return "" // the address owner's priority is fixed
	}
	// A weight that counts now stops counting, and the reverse: positive ones count while up, negative ones while down.
	counts := t.Delta != 0
	event, delta := "goes down", t.Weight
	if counts == (t.Weight < 0) {
		event = "comes up"
	}
	if counts {
		delta = 0
	}
	priority := int(i.Priority.Configured) + delta - t.Delta
	for _, other := range i.Terms {
		priority += other.Delta
	}
	priority = min(max(priority, 1), 254)
	if priority == int(i.Priority.Effective) {
		return ""
	}
	return fmt.Sprintf("if %s %s: priority %d%s", t.Tracker, event, priority, compare(i, priority))
}

// flipNumber says what another number would do, which no one can foresee.
func flipNumber(i Instance, t Term) string {
	switch {
	case t.Weight == 0 && !t.Fault:
		return fmt.Sprintf("if %s holds anything but 0: FAULT", t.Tracker)
	case t.Weight == 0 || i.Priority.Configured == 255:
		return "" // the faults say so; the address owner's priority is fixed
	default:
		return fmt.Sprintf("if %s holds another number: that one, times %d, is added", t.Tracker, t.Weight)
	}
}

// compare sets a priority against the master's, where this node hears one.
func compare(i Instance, priority int) string {
	if i.State != Backup || i.Peer == nil {
		return ""
	}
	master := int(i.Peer.Priority)
	switch {
	case priority > master:
		return fmt.Sprintf(", above the master's %d", master)
	case priority < master:
		return fmt.Sprintf(", below the master's %d", master)
	default:
		return fmt.Sprintf(", equal to the master's %d", master)
	}
}
