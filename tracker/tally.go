package tracker

import (
	"fmt"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

// The priorities that trackers can reach (RFC 3768 section 5.3.4): 0 says "resigning", 255 belongs to the owner.
const (
	minPriority   = 1
	maxPriority   = 254
	ownerPriority = 255
)

// OwnInterface is the binding that every instance has for the interface it speaks on: without carrier, or without the
// interface, the instance is in FAULT.
func OwnInterface(name string) Binding {
	return Binding{ID: ID{Kind: KindInterface, Name: name}}
}

// Input is a binding of an instance, with the state of the tracker it names.
type Input struct {
	Binding Binding
	State   State
}

// Outcome is what the trackers of an instance make of its priority.
type Outcome struct {
	Priority uint8    // effective priority: 1 to 254, or 255 for the address owner
	Faults   []string // why the instance must be in FAULT, waiting included; none: it need not
	Waiting  bool     // one of Faults is a tracker of weight 0 that has no result yet
	Terms    []Term   // one for each input, in its order
}

// Term is what one binding contributes.
type Term struct {
	ID     ID
	Weight int
	Status hysteresis.Status
	Delta  int    // added to the configured priority; negative: subtracted
	Fault  bool   // holds the instance in FAULT
	Text   string // what it does and why, for explain
}

// Tally adds up what the trackers of one instance say. base is the configured priority, 1 to 255. A positive weight is
// added while its tracker is up, a negative one subtracted while it is down; the sum is bounded to 1 to 254. Weight 0
// is FAULT while the tracker is down, and also before its first result. A base of 255 is the address owner's, which no
// weight changes; weight 0 is FAULT for the owner too.
func Tally(base uint8, in []Input) Outcome {
	out := Outcome{Terms: make([]Term, 0, len(in))}
	sum := int(base)
	for _, i := range in {
		term := contribution(base == ownerPriority, i)
		sum += term.Delta
		if term.Fault {
			out.Faults = append(out.Faults, term.ID.String()+": "+term.reason(i.State))
			out.Waiting = out.Waiting || term.Status == hysteresis.Unknown
		}
		out.Terms = append(out.Terms, term)
	}
	out.Priority = base
	if base != ownerPriority {
		out.Priority = uint8(min(max(sum, minPriority), maxPriority))
	}
	return out
}

// contribution judges one binding. owner: the configured priority is 255.
func contribution(owner bool, in Input) Term {
	weight, status := in.Binding.Weight, in.State.Status
	t := Term{ID: in.Binding.ID, Weight: weight, Status: status}
	switch {
	case weight == 0 && status != hysteresis.Up:
		t.Fault = true
		t.Text = "FAULT: " + t.reason(in.State)
	case weight == 0:
		t.Text = t.reason(in.State)
	case owner:
		t.Text = t.reason(in.State) + "; no weight changes the priority of the address owner"
	case weight > 0 && status == hysteresis.Up:
		t.Delta = weight
		t.Text = fmt.Sprintf("%s: adds %d", t.reason(in.State), weight)
	case weight > 0:
		t.Text = fmt.Sprintf("%s: the %d it adds while up are missing", t.reason(in.State), weight)
	case status == hysteresis.Down:
		t.Delta = weight
		t.Text = fmt.Sprintf("%s: subtracts %d", t.reason(in.State), -weight)
	default:
		t.Text = fmt.Sprintf("%s: would subtract %d while down", t.reason(in.State), -weight)
	}
	return t
}

// reason words the state of a tracker: "down (exit status 1)", "waiting for its first result".
func (t Term) reason(s State) string {
	switch {
	case t.Status == hysteresis.Unknown:
		return "waiting for its first result"
	case s.Text == "" || s.Text == t.Status.String():
		return t.Status.String()
	default:
		return t.Status.String() + " (" + s.Text + ")"
	}
}
