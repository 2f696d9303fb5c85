package main

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/admin"
	"github.com/tandem-lb/tandem/internal/status"
)

// noon is a time that is printed as 12:00:00 wherever the test runs.
var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.Local)

// handingOver is a daemon whose instance passes through states, one each time it is asked.
type handingOver struct {
	standIn
	done []admin.Handover

	mu     sync.Mutex
	asked  string            // guarded by mu; the last handover or release
	states []status.Instance // guarded by mu; the last one stays
}

func (h *handingOver) Handover(instances []string, d time.Duration, atOnce bool) ([]admin.Handover, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = fmt.Sprintf("%v for %v", instances, d)
	if atOnce {
		h.asked += " at once"
	}
	return h.done, h.refusal
}

func (h *handingOver) Release(instances []string) ([]admin.Handover, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = fmt.Sprintf("release %v", instances)
	return h.done, h.refusal
}

func (h *handingOver) Snapshot() status.Snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.standIn.Snapshot()
	s.Instances = nil
	if len(h.states) > 0 {
		s.Instances = h.states[:1]
	}
	if len(h.states) > 1 {
		h.states = h.states[1:]
	}
	return s
}

func TestHandover(t *testing.T) {
	t.Parallel()
	from := func(state string) []admin.Handover {
		return []admin.Handover{{Instance: "VI_1", State: state, Epoch: 4, Held: true, Until: noon.Add(10 * time.Minute)}}
	}
	in := func(state string, epoch uint64, peer *status.Router) status.Instance {
		return status.Instance{Name: "VI_1", State: state, Epoch: epoch, Since: noon, DownAfter: 0.36, Peer: peer}
	}
	peer := func(node string, since time.Duration) *status.Router {
		return &status.Router{Address: netip.MustParseAddr("10.0.0.2"), Node: node, Priority: 100, Since: noon.Add(since)}
	}
	resigning, gone := in(status.Master, 4, nil), in(status.Backup, 5, nil)
	tests := []struct {
		name   string
		args   []string
		done   []admin.Handover
		states []status.Instance
		asked  string
		code   int
		stdout string
		stderr string
	}{
		{"the other node takes over", nil, from(status.Master),
			[]status.Instance{resigning, gone, in(status.Backup, 5, peer("lb2", 84*time.Millisecond))}, "[] for 10m0s", 0,
			"VI_1: lb2's 10.0.0.2 is MASTER since 12:00:00, 84ms after this node gave up; this node leaves it alone until 12:10:00\n", ""},
		{"somebody took over before", []string{"--for", "1h"}, from(status.Master),
			[]status.Instance{in(status.Backup, 5, peer("", 0))}, "[] for 1h0m0s", 0,
			"VI_1: 10.0.0.2 is MASTER since 12:00:00; this node leaves it alone until 12:10:00\n", ""},
		{"nobody takes over", []string{"--instance", "VI_1", "--instance", "VI_2"}, from(status.Master),
			[]status.Instance{resigning, gone, in(status.Master, 6, nil)}, "[VI_1 VI_2] for 10m0s", 1,
			"nobody took over: VI_1 is MASTER here again\n", ""},
		{"nobody takes over, and nor does this node", nil, from(status.Master), []status.Instance{gone}, "[] for 10m0s", 1,
			"VI_1 is BACKUP, and no other master has been heard for 6s\n", ""},
		{"a backup", nil, from(status.Backup), nil, "[] for 10m0s", 0, "VI_1 is BACKUP: it leaves a live master alone until 12:10:00\n", ""},
		{"a reload takes the instance away", nil, from(status.Master), nil, "[] for 10m0s", 1, "", "tandem: a reload has taken instance VI_1 away\n"},
		{"at once", []string{"--now", "--instance", "VI_1"}, from(status.Backup), nil, "[VI_1] for 10m0s at once", 0,
			"VI_1 is BACKUP: it leaves a live master alone until 12:10:00\n", ""},
		{"release", []string{"--release"}, from(status.Backup), nil, "release []", 0, "VI_1 is BACKUP, and is released: it may preempt again\n", ""},
		{"release of nothing", []string{"--release", "--instance", "VI_1"}, []admin.Handover{{Instance: "VI_1", State: status.Master}}, nil,
			"release [VI_1]", 0, "VI_1 is MASTER, and was not handed over\n", ""},
		{"too short", []string{"--for", "10ms"}, nil, nil, "", 1, "", "tandem: a handover for 10ms: want 1s to 24h0m0s\n"},
		{"two things at once", []string{"--for", "1m", "--release"}, nil, nil, "", 1, "",
			"tandem: if any flags in the group [for release] are set none of the others can be; [for release] were all set\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := &handingOver{done: tt.done, states: tt.states}
			code, stdout, stderr := tandem(t, slices.Concat([]string{"handover", "--socket", serve(t, h)}, tt.args)...)
			if code != tt.code || stdout != tt.stdout || stderr != tt.stderr || h.asked != tt.asked {
				t.Errorf("exit %d, printed %q, said %q, asked %q; want %d, %q, %q, %q", code, stdout, stderr, h.asked, tt.code, tt.stdout, tt.stderr, tt.asked)
			}
		})
	}
}
