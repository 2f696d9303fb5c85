package daemon

import (
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/tracker"
)

// While a reload is under way both what runs and what will run finds its scripts: else an instance that goes could not
// tell its script that it stops, and a tracker that goes would fail, and fail over, for want of its command.
func TestScriptsOfBothConfigurations(t *testing.T) {
	script := func(name, path string) tracker.Script {
		return tracker.Script{Name: name, Command: []string{path}, Interval: time.Second, Timeout: time.Second}
	}
	track := func(name string) tracker.Binding {
		return tracker.Binding{ID: tracker.ID{Kind: tracker.KindScript, Name: name}}
	}
	goes, comes := web("VI_1"), web("VI_2")
	goes.Track, comes.Track = []tracker.Binding{track("gone"), track("both")}, []tracker.Binding{track("both"), track("new")}
	goes.Notify = &notify.Config{Instance: "VI_1", Script: []string{"/stop"}, Timeout: time.Second}
	old := &config.Node{Instances: []config.Instance{goes}, Scripts: []tracker.Script{script("gone", "/a"), script("both", "/old")}}
	next := &config.Node{Instances: []config.Instance{comes}, Scripts: []tracker.Script{script("both", "/new"), script("new", "/c")}}

	want := map[string]string{"notify/VI_1": "/stop", "script/gone": "/a", "script/both": "/new", "script/new": "/c"}
	got := commands(old, next)
	if len(got) != len(want) {
		t.Errorf("commands %v, want %v", got, want)
	}
	for _, c := range got {
		if c.Argv[0] != want[c.ID] {
			t.Errorf("command %s is %v, want %s", c.ID, c.Argv, want[c.ID])
		}
	}
	both := trackerConfig(old, next)
	if err := tracker.NewSet(tracker.Sources{Runner: scriptRunner{}}, func(tracker.State) {}, nil).Check(both); err != nil {
		t.Errorf("trackers of both: %v", err)
	}
	if len(both.Scripts) != 3 || both.Scripts[0].Command[0] != "/new" {
		t.Errorf("scripts %v, want the later one of both", both.Scripts)
	}
}

func TestVirtualAddressesAreSortedAndDistinct(t *testing.T) {
	old := &config.Node{Instances: []config.Instance{web("VI_1", "10.0.0.101/24", "10.0.0.100/24")}}
	next := &config.Node{Instances: []config.Instance{web("VI_1", "10.0.0.100/24", "10.0.0.102/24")}}
	if got, want := sprint(virtualAddresses(old, next)), "[10.0.0.100 10.0.0.101 10.0.0.102]"; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
