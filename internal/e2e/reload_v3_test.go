package e2e

import (
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// Version 3 learns the master's interval, so a reload may change it on one node after the other, as far as the other node
// learns it. Neither of them changes its state meanwhile.
func TestIntegrationReloadOfTheIntervalInVersion3(t *testing.T) {
	quick := edited(t, config3(t), "advert_interval: 100ms", "advert_interval: 400ms") // which a busy machine keeps
	slow := edited(t, quick, "advert_interval: 400ms", "advert_interval: 2s")          // longer than a backup waits for the quick one
	p := newPair(t, quick)
	check(t, p.Start(t.Context()))
	ready(t, p, "lb1")

	mark := p.Lab.Mark()
	mustReload(t, p, "lb1", slow)
	awaitStatus(t, p, "lb2", "has learned the longer interval", func(s status.Snapshot) bool { return s.Instances[0].DownAfter > 3*2 })
	mustReload(t, p, "lb2", slow)
	mustReload(t, p, "lb1", quick)
	mustReload(t, p, "lb2", quick)
	awaitStatus(t, p, "lb2", "has learned the shorter interval", func(s status.Snapshot) bool { return s.Instances[0].DownAfter < 2 })
	check(t, p.WriteConfig(edited(t, quick, "advert_interval: 400ms", "advert_interval: 4010ms")))
	const why = "refused without --force: VI_1: advert_interval 400ms -> 4.01s: "
	if out, err := try(t, p, "lb1", binary(t), "reload"); err == nil || !strings.Contains(out, why) {
		t.Errorf("a reload that the other node does not learn: got %v, %s, want %s", err, out, why)
	}

	events, err := p.Lab.Since(mark)
	check(t, err)
	if moved := filter(events, func(e netlab.Event) bool { return added("lb2")(e) || removed("lb1")(e) }); len(moved) > 0 {
		t.Errorf("the address moved: %v", moved)
	}
}
