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
// is FAULT while the tracker is down, and also before its first result.
//
// A file adds its number times its weight, at most 253; -254 and less is FAULT. With weight 0 any number but 0 is FAULT,
// and so is a file that cannot be read.
//
// A base of 255 is the address owner's, which no weight changes; FAULT is for the owner too.
func Tally(base uint8, in []Input) Outcome {
	out := Outcome{Terms: make([]Term, 0, len(in))}
	sum := int(base)
	for _, i := range in {
		term := contribution(base == ownerPriority, i)
		sum += term.Delta
		if term.Fault {
			out.Faults = append(out.Faults, term.ID.String()+": "+term.Text)
			out.Waiting = out.Waiting || term.Status == hysteresis.Unknown
			term.Text = "FAULT: " + term.Text
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
	t := Term{ID: in.Binding.ID, Weight: in.Binding.Weight, Status: in.State.Status}
	why := t.reason(in.State)
	if t.ID.Kind == KindFile {
		t.number(owner, in.State.Value, why)
	} else {
		t.status(owner, why)
	}
	return t
}

// status fills in what a tracker contributes by being up or down.
func (t *Term) status(owner bool, why string) {
	switch {
	case t.Weight == 0:
		t.Fault = t.Status != hysteresis.Up
		t.Text = why
	case owner:
		t.Text = why + "; no weight changes the priority of the address owner"
	case t.Weight > 0 && t.Status == hysteresis.Up:
		t.Delta = t.Weight
		t.Text = fmt.Sprintf("%s: adds %d", why, t.Weight)
	case t.Weight > 0:
		t.Text = fmt.Sprintf("%s: the %d it adds while up are missing", why, t.Weight)
	case t.Status == hysteresis.Down:
		t.Delta = t.Weight
		t.Text = fmt.Sprintf("%s: subtracts %d", why, -t.Weight)
	default:
		t.Text = fmt.Sprintf("%s: would subtract %d while down", why, -t.Weight)
	}
}

// The reach of a file's number times its weight. What lies below takes any priority away, which is FAULT.
const (
	faultNumber   = -254
	highestNumber = 253
)

// number fills in what a file contributes. Without a result value is 0.
func (t *Term) number(owner bool, value int, why string) {
	product := int64(value) * int64(t.Weight) // both fit 32 bits
	switch {
	case t.Weight == 0:
		t.Fault = t.Status != hysteresis.Up || value != 0
		t.Text = why
	case product <= faultNumber:
		t.Fault = true
		t.Text = fmt.Sprintf("%s, times %d is %d or less", why, t.Weight, faultNumber)
	case owner:
		t.Text = why + "; no weight changes the priority of the address owner"
	default:
		t.Delta = int(min(product, highestNumber))
		t.Text = fmt.Sprintf("%s, times %d: %s", why, t.Weight, change(t.Delta))
	}
}

// change words a change of the priority.
func change(delta int) string {
	switch {
	case delta > 0:
		return fmt.Sprintf("adds %d", delta)
	case delta < 0:
		return fmt.Sprintf("subtracts %d", -delta)
	default:
		return "adds nothing"
	}
}

// reason words the state of a tracker: "down (exit status 1)", "waiting for its first result", or a file's "50".
func (t Term) reason(s State) string {
	switch {
	case t.Status == hysteresis.Unknown:
		return "waiting for its first result"
	case t.ID.Kind == KindFile:
		return s.Text
	case s.Text == "" || s.Text == t.Status.String():
		return t.Status.String()
	default:
		return t.Status.String() + " (" + s.Text + ")"
	}
}
