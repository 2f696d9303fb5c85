package e2e

import (
	"slices"
	"strings"
	"testing"
)

func TestIntegrationAPairStartsAndServes(t *testing.T) {
	p := newPair(t, "")
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	holders, err := p.Holders()
	if err != nil || !slices.Equal(holders, []string{"lb1"}) {
		t.Errorf("holders %v, %v; want lb1", holders, err)
	}
	for node, want := range map[string]string{"lb1": "MASTER", "lb2": "BACKUP"} {
		out, err := p.Command(t.Context(), node, "status")
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("status of %s: %v, want %s in\n%s", node, err, want, out)
		}
		out, err = p.Command(t.Context(), node, "explain", "VI_1")
		if err != nil || !strings.Contains(out, "is "+want) {
			t.Errorf("explain on %s: %v, want %s in\n%s", node, err, want, out)
		}
	}
}
