package exchange

import (
	"testing"
	"time"
)

// when is so many milliseconds after an exchange began.
func when(ms int) time.Time { return time.Unix(1, 0).Add(time.Duration(ms) * time.Millisecond) }

// forwarded is an exchange whose response is on its way.
func forwarded(t *testing.T, r *ring) *Exchange {
	t.Helper()
	x := &Exchange{}
	x.Start(when(0), newFrontend(t, r))
	x.Step(when(1), Event{Kind: Request, Target: &Target{Method: "GET", Host: "a", URI: "/"}})
	x.Step(when(2), Event{Kind: Connected})
	if a := x.Step(when(3), Event{Kind: Head, Status: 200}); a.Do != Forward || r.inFlight() != 1 {
		t.Fatalf("got %+v with %d slots taken, want the response forwarded from one", a, r.inFlight())
	}
	return x
}

// A server that has served has its slot back, and the exchange goes on to its end, whatever that is.
func TestServed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind Kind
		do   Do
		says string
	}{{Finished, Done, "--"}, {ClientGone, Abort, "CD"}, {ClientSilent, Abort, "cD"}} {
		r := newRing(t, "s1")
		x := forwarded(t, r)
		if x.Served(); r.inFlight() != 0 {
			t.Errorf("%d slots are taken, want none", r.inFlight())
		}
		if a := x.Step(when(9), Event{Kind: tt.kind}); a.Do != tt.do || a.Record == nil || a.Record.Termination.String() != tt.says || a.Record.Server != "s1" {
			t.Errorf("got %+v, want %d as %s", a, tt.do, tt.says)
		}
		if r.inFlight() != 0 {
			t.Errorf("%d slots are taken in the end", r.inFlight())
		}
	}
}

// What a server breaks off ends as soon as the client has what there is of it, or does not take that; the record says who has broken it off.
func TestDrain(t *testing.T) {
	t.Parallel()
	for kind, says := range map[Kind]string{ServerClosed: "SD", ServerGarbage: "PD", ServerSilent: "sD", ServerDown: "DD"} {
		for _, last := range []Kind{Finished, ClientGone, ClientSilent, Broken} {
			r := newRing(t, "s1")
			x := forwarded(t, r)
			if a := x.Step(when(4), Event{Kind: kind, Rest: true}); a.Do != Drain || r.inFlight() != 0 {
				t.Fatalf("%d: got %+v with %d slots taken, want that the client gets the rest, and none", kind, a, r.inFlight())
			}
			if a := x.Step(when(9), Event{Kind: last}); a.Do != Abort || a.Record == nil || a.Record.Termination.String() != says || a.Record.Active != 9*time.Millisecond {
				t.Errorf("%d, then %d: got %+v, want an end as %s", kind, last, a, says)
			}
		}
		if a := forwarded(t, newRing(t, "s1")).Step(when(4), Event{Kind: kind}); a.Do != Abort {
			t.Errorf("%d with nothing that the client has to take: got %+v, want the end", kind, a)
		}
	}
}
