package status

import (
	"bufio"
	"fmt"
	"strings"
)

// others are the other instances of an instance's sync group.
func (s Snapshot) others(i Instance) []Instance {
	var all []Instance
	for _, o := range s.Instances {
		if i.SyncGroup != "" && o.SyncGroup == i.SyncGroup && o.Name != i.Name {
			all = append(all, o)
		}
	}
	return all
}

// waitsFor says for whom an instance waits that would be MASTER, "" when it does not wait.
func (s Snapshot) waitsFor(i Instance) string {
	var late []string
	for _, o := range s.others(i) {
		if i.WantsMaster && !o.WantsMaster && o.State != Master {
			late = append(late, o.Name)
		}
	}
	if len(late) == 0 {
		return ""
	}
	return "waits for " + and(late) + " of sync group " + i.SyncGroup
}

// writeSyncGroups writes who moves together, and who waits for whom.
func (s Snapshot) writeSyncGroups(w *bufio.Writer) {
	told := map[string]bool{"": true}
	for _, i := range s.Instances {
		if !told[i.SyncGroup] {
			told[i.SyncGroup] = true
			fmt.Fprintf(w, "  sync group %s: %s\n", i.SyncGroup, and(append([]string{i.Name}, namesOf(s.others(i))...)))
		}
	}
	for _, i := range s.Instances {
		if waits := s.waitsFor(i); waits != "" {
			fmt.Fprintf(w, "  %s %s\n", i.Name, waits)
		}
	}
}

// explainSync says what its sync group makes of an instance.
func explainSync(s Snapshot, i Instance) []string {
	if i.SyncGroup == "" {
		return nil
	}
	with := namesOf(s.others(i))
	if len(with) == 0 {
		return []string{"  It is alone in sync group " + i.SyncGroup + "."}
	}
	lines := []string{"  In sync group " + i.SyncGroup + " with " + and(with) + ": MASTER together, or not at all."}
	if waits := s.waitsFor(i); waits != "" {
		lines = append(lines, "  It would be MASTER, and "+waits+".")
	}
	return lines
}

// syncChange is what the sync group adds to what would change the state of an instance, "" for nothing.
func syncChange(s Snapshot, i Instance) string {
	with := and(namesOf(s.others(i)))
	switch {
	case with == "":
		return ""
	case i.State == Master:
		return "when " + with + " of its sync group cannot stay MASTER, it resigns too"
	case i.State == Backup:
		return "whenever it would take over, it waits until " + with + " of its sync group would, too"
	default:
		return ""
	}
}

func namesOf(instances []Instance) []string {
	var all []string
	for _, i := range instances {
		all = append(all, i.Name)
	}
	return all
}

// and joins names as a sentence does: a, b and c.
func and(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
