package tracker

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

const (
	unknown = hysteresis.Unknown
	up      = hysteresis.Up
	down    = hysteresis.Down
)

// in is an input of a script tracker named name.
func in(name string, weight int, status hysteresis.Status, text string) Input {
	id := ID{Kind: KindScript, Name: name}
	return Input{Binding: Binding{ID: id, Weight: weight}, State: State{ID: id, Status: status, Text: text}}
}

// number is an input of a file tracker that holds a number.
func number(weight, value int, status hysteresis.Status, text string) Input {
	id := ID{Kind: KindFile, Name: "drain"}
	return Input{Binding: Binding{ID: id, Weight: weight}, State: State{ID: id, Status: status, Value: value, Text: text}}
}

func TestTally(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		base     uint8
		in       []Input
		priority uint8
		faults   []string
		waiting  bool
	}{
		{"nothing tracked", 100, nil, 100, nil, false},
		{"positive weight, up: added", 100, []Input{in("a", 10, up, "")}, 110, nil, false},
		{"positive weight, down: not added", 100, []Input{in("a", 10, down, "")}, 100, nil, false},
		{"positive weight, no result: not added", 100, []Input{in("a", 10, unknown, "")}, 100, nil, false},
		{"negative weight, up: nothing", 100, []Input{in("a", -20, up, "")}, 100, nil, false},
		{"negative weight, down: subtracted", 100, []Input{in("a", -20, down, "")}, 80, nil, false},
		{"negative weight, no result: nothing", 100, []Input{in("a", -20, unknown, "")}, 100, nil, false},
		{"weight 0, up: nothing", 100, []Input{in("a", 0, up, "")}, 100, nil, false},
		{"weight 0, down: FAULT", 100, []Input{in("a", 0, down, "exit status 1")}, 100, []string{"script a: down (exit status 1)"}, false},
		{"weight 0, no result: waits", 100, []Input{in("a", 0, unknown, "")}, 100, []string{"script a: waiting for its first result"}, true},
		{"all of them", 100, []Input{in("a", 10, up, ""), in("b", -20, down, ""), in("c", 0, up, ""), in("d", 5, down, "")}, 90, nil, false},
		{"not below 1", 10, []Input{in("a", -253, down, "")}, 1, nil, false},
		{"not above 254", 200, []Input{in("a", 253, up, "")}, 254, nil, false},
		{"bounded once, not at each step", 200, []Input{in("a", 200, up, ""), in("b", -200, down, "")}, 200, nil, false},
		{"the owner keeps 255 with positive weights", 255, []Input{in("a", 10, up, "")}, 255, nil, false},
		{"the owner keeps 255 with negative weights", 255, []Input{in("a", -20, down, "")}, 255, nil, false},
		{"the owner is in FAULT by weight 0", 255, []Input{in("a", 0, down, "")}, 255, []string{"script a: down"}, false},
		{"a number is added", 100, []Input{number(1, 50, up, "50")}, 150, nil, false},
		{"a number below 0 is subtracted", 100, []Input{number(1, -50, up, "-50")}, 50, nil, false},
		{"a number times its weight", 100, []Input{number(-20, 3, up, "3")}, 40, nil, false},
		{"two minuses", 100, []Input{number(-20, -3, up, "-3")}, 160, nil, false},
		{"0 changes nothing", 100, []Input{number(-20, 0, up, "0")}, 100, nil, false},
		{"a number that cannot be read: the last one", 100, []Input{number(1, -50, down, "")}, 50, nil, false},
		{"no number yet", 100, []Input{number(1, 0, unknown, "")}, 100, nil, false},
		{"-253 is no FAULT", 254, []Input{number(1, -253, up, "-253")}, 1, nil, false},
		{"-254 is FAULT", 254, []Input{number(1, -254, up, "-254")}, 254, []string{"file drain: -254, times 1 is -254 or less"}, false},
		{"-254 as a product", 254, []Input{number(-127, 2, up, "2")}, 254, []string{"file drain: 2, times -127 is -254 or less"}, false},
		{"at most 253, before others subtract", 1, []Input{number(1, 100000, up, ""), in("a", -20, down, "")}, 234, nil, false},
		{"the largest product", 1, []Input{number(-253, -1<<31, up, "")}, 254, nil, false},
		{"the least product", 100, []Input{number(253, -1<<31, up, "-2147483648")}, 100, []string{"file drain: -2147483648, times 253 is -254 or less"}, false},
		{"weight 0 and 0", 100, []Input{number(0, 0, up, "0")}, 100, nil, false},
		{"weight 0 and another number: FAULT", 100, []Input{number(0, 1, up, "1")}, 100, []string{"file drain: 1"}, false},
		{"weight 0 and no number: FAULT", 100, []Input{number(0, 0, down, "0 as before, it is no file")}, 100, []string{"file drain: 0 as before, it is no file"}, false},
		{"weight 0 and no result: waits", 100, []Input{number(0, 0, unknown, "")}, 100, []string{"file drain: waiting for its first result"}, true},
		{"the owner keeps 255 with numbers", 255, []Input{number(1, -50, up, "-50")}, 255, nil, false},
		{"the owner is in FAULT by -254", 255, []Input{number(1, -254, up, "-254")}, 255, []string{"file drain: -254, times 1 is -254 or less"}, false},
		{"a fault and a wait", 100, []Input{in("a", 0, down, ""), in("b", 0, unknown, "")}, 100,
			[]string{"script a: down", "script b: waiting for its first result"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Tally(tt.base, tt.in)
			if got.Priority != tt.priority {
				t.Errorf("priority: got %d, want %d", got.Priority, tt.priority)
			}
			if !slices.Equal(got.Faults, tt.faults) {
				t.Errorf("faults: got %q, want %q", got.Faults, tt.faults)
			}
			if got.Waiting != tt.waiting {
				t.Errorf("waiting: got %v, want %v", got.Waiting, tt.waiting)
			}
		})
	}
}

func TestTallyTerms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		base  uint8
		in    Input
		delta int
		fault bool
		text  string
	}{
		{"adds", 100, in("a", 10, up, "exit status 0"), 10, false, "up (exit status 0): adds 10"},
		{"misses", 100, in("a", 10, down, "exit status 1"), 0, false, "down (exit status 1): the 10 it adds while up are missing"},
		{"subtracts", 100, in("a", -20, down, "timed out after 1s"), -20, false, "down (timed out after 1s): subtracts 20"},
		{"would subtract", 100, in("a", -20, up, ""), 0, false, "up: would subtract 20 while down"},
		{"not yet", 100, in("a", -20, unknown, ""), 0, false, "waiting for its first result: would subtract 20 while down"},
		{"faults", 100, in("a", 0, down, "no carrier"), 0, true, "FAULT: down (no carrier)"},
		{"no fault", 100, in("a", 0, up, "up"), 0, false, "up"},
		{"a number adds", 100, number(2, 50, up, "50"), 100, false, "50, times 2: adds 100"},
		{"a number subtracts", 100, number(-1, 50, up, "50"), -50, false, "50, times -1: subtracts 50"},
		{"a number adds nothing", 100, number(1, 0, up, "0, as there is no file"), 0, false, "0, as there is no file, times 1: adds nothing"},
		{"a number faults", 100, number(1, -300, up, "-300"), 0, true, "FAULT: -300, times 1 is -254 or less"},
		{"a number faults by weight 0", 100, number(0, 1, up, "1"), 0, true, "FAULT: 1"},
		{"a number that is none yet", 100, number(1, 0, unknown, ""), 0, false, "waiting for its first result, times 1: adds nothing"},
		{"a number, and the owner", 255, number(1, 5, up, "5"), 0, false, "5; no weight changes the priority of the address owner"},
		{"owner", 255, in("a", -20, down, ""), 0, false, "down; no weight changes the priority of the address owner"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Tally(tt.base, []Input{tt.in}).Terms[0]
			want := Term{ID: tt.in.Binding.ID, Weight: tt.in.Binding.Weight, Status: tt.in.State.Status, Delta: tt.delta, Fault: tt.fault, Text: tt.text}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestOwnInterface(t *testing.T) {
	t.Parallel()
	got, want := OwnInterface("eth0"), Binding{ID: ID{Kind: KindInterface, Name: "eth0"}, Weight: 0}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// drawInputs draws up to eight bindings in any state.
func drawInputs(t *rapid.T) []Input {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Input {
		weight := rapid.OneOf(rapid.Just(0), rapid.IntRange(-253, 253)).Draw(t, "weight")
		return in("a", weight, rapid.SampledFrom([]hysteresis.Status{unknown, up, down}).Draw(t, "status"), "")
	}), 0, 8).Draw(t, "in")
}

func TestTallyProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base, inputs := rapid.Uint8Range(1, 255).Draw(t, "base"), drawInputs(t)
		out := Tally(base, inputs)

		if (base == 255) != (out.Priority == 255) || out.Priority == 0 {
			t.Fatalf("base %d became %d: only the owner has 255, and no one has 0", base, out.Priority)
		}
		sum, faults, waiting := int(base), 0, false
		for i, term := range out.Terms {
			if term.Weight != inputs[i].Binding.Weight || term.Status != inputs[i].State.Status {
				t.Fatalf("term %d is not about input %d: %+v, %+v", i, i, term, inputs[i])
			}
			if term.Delta != 0 && (term.Delta != term.Weight || term.Status == unknown || base == 255) {
				t.Fatalf("term %+v of base %d: a delta is the whole weight of a known tracker, and not the owner's", term, base)
			}
			if term.Fault != (term.Weight == 0 && term.Status != up) {
				t.Fatalf("term %+v: FAULT is weight 0 and not up, nothing else", term)
			}
			sum += term.Delta
			if term.Fault {
				faults++
				waiting = waiting || term.Status == unknown
			}
		}
		if base != 255 && int(out.Priority) != min(max(sum, 1), 254) {
			t.Fatalf("priority %d is not the sum %d of the terms, bounded to 1..254", out.Priority, sum)
		}
		if len(out.Faults) != faults || out.Waiting != waiting {
			t.Fatalf("got %d faults, waiting %v; want %d, %v", len(out.Faults), out.Waiting, faults, waiting)
		}
	})
}

// A tracker that comes up never lowers the priority and never adds a fault; one that goes down never does the reverse.
func TestTallyIsMonotonic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base, inputs := rapid.Uint8Range(1, 255).Draw(t, "base"), drawInputs(t)
		if len(inputs) == 0 {
			return
		}
		i := rapid.IntRange(0, len(inputs)-1).Draw(t, "i")
		inputs[i].State.Status = down
		before := Tally(base, inputs)
		inputs[i].State.Status = up
		after := Tally(base, inputs)
		if after.Priority < before.Priority || len(after.Faults) > len(before.Faults) {
			t.Fatalf("coming up made it worse: %d %q, then %d %q", before.Priority, before.Faults, after.Priority, after.Faults)
		}
	})
}

func BenchmarkTally(b *testing.B) {
	inputs := []Input{in("a", 10, up, "exit status 0"), in("b", -20, down, "exit status 1"), in("c", 0, up, "up")}
	b.ReportAllocs()
	for b.Loop() {
		Tally(100, inputs)
	}
}
