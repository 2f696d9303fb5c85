package loadtest

import (
	"testing"
	"time"
)

func TestTargetsCarryScripts(t *testing.T) {
	for _, s := range []script{
		{Kind: "head"},
		{Kind: "keep-alive", ID: 1<<63 + 1, Up: -1, Down: 4 << 20, Frame: byChunks, Trailer: true},
		{Kind: "slow-server", ID: 2, Up: 3, Wait: time.Second, Pace: 5 * time.Millisecond, Cut: cutReset, CutAt: 1, Hints: true, Abort: true, Tunnel: true},
	} {
		got, err := parseTarget(s.target())
		if err != nil || got != s {
			t.Errorf("%s: got %+v, %v, want %+v", s.target(), got, err, s)
		}
	}
}

func TestBadTargetsAreRefused(t *testing.T) {
	for _, c := range []struct{ name, target, want string }{
		{"another path", "/index.html", `target "/index.html": want a path below /load/`},
		{"no target", "*:", `read a target: parse "*:": invalid URI for request`},
		{"unknown key", "/load/x?y=1", `target "/load/x?y=1": y: no such flag -y`},
		{"bad value", "/load/x?id=-1", `target "/load/x?id=-1": id: parse error`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parseTarget(c.target); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
