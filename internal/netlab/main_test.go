package netlab

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// available is why labs cannot be built here, nil where they can.
var available error

func TestMain(m *testing.M) {
	code, done, err := Enter()
	if done {
		os.Exit(code)
	}
	available = err
	if task := os.Getenv(taskKey); task != "" {
		os.Exit(perform(task))
	}
	goleak.VerifyTestMain(m)
}

// newLab makes a lab that ends with the test, or skips the test where there can be none.
func newLab(t *testing.T, cfg Config) *Lab {
	t.Helper()
	requireNamespaces(t)
	lab, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return lab
}

func requireNamespaces(t *testing.T) {
	t.Helper()
	if available == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(available)
	}
	t.Skip(available)
}

// patient is a context that ends long after whatever a test awaits should have happened.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// pair is the lab of most tests: two nodes on a LAN.
type pair struct {
	*Lab
	one, two           *Node
	cableOne, cableTwo *Cable
}

func newPair(t *testing.T, cfg Config) pair {
	t.Helper()
	p := pair{Lab: newLab(t, cfg)}
	lan, err := p.LAN("front")
	if err != nil {
		t.Fatal(err)
	}
	p.one, p.cableOne = newNode(t, p.Lab, lan, "one", "10.77.0.1/24")
	p.two, p.cableTwo = newNode(t, p.Lab, lan, "two", "10.77.0.2/24")
	return p
}

func newNode(t *testing.T, lab *Lab, lan *LAN, name string, addresses ...string) (*Node, *Cable) {
	t.Helper()
	n, err := lab.Node(name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := n.Connect(patient(t), lan, "eth0", prefixes(addresses)...)
	if err != nil {
		t.Fatal(err)
	}
	return n, c
}

// await is Lab.Await for what must happen.
func await(t *testing.T, lab *Lab, from Mark, match func(Event) bool) Event {
	t.Helper()
	e, err := lab.Await(patient(t), from, match)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func is(kind Kind, n *Node) func(Event) bool {
	return func(e Event) bool { return e.Kind == kind && e.Node == n.Name() && e.Interface == "eth0" }
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", what, err))
	}
}
