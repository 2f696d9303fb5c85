package keeper

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const ms = time.Millisecond

var (
	testDst = netip.MustParseAddr("224.0.0.18")
	testVIP = netip.MustParsePrefix("10.77.0.100/24")
)

func testWill() will {
	return will{
		RemoveAddress{Interface: "eth0", Prefix: testVIP},
		SendPacket{Interface: "eth0", Dst: testDst, Data: []byte{0x21, 51, 0}},
	}
}

func testBeat(interval time.Duration, payload ...byte) *Beat {
	return &Beat{Packet: Packet{Interface: "eth0", Dst: testDst, Data: payload}, Interval: interval, Patience: 4 * interval}
}

// render makes one line of actions: "advert VI_1 65".
func render(actions []action) string {
	var words []string
	for _, a := range actions {
		switch a.kind {
		case sendAdvert:
			words = append(words, fmt.Sprintf("advert %s %d", a.instance, a.beat.Data[0]))
		case saveWills:
			words = append(words, "save")
		case killDaemon:
			words = append(words, "kill")
		case carryOut:
			words = append(words, "carry out "+a.instance)
		case lookAtDaemon: // its own test looks for it
		case exit:
			words = append(words, "exit")
		}
	}
	return strings.Join(words, ", ")
}

func TestCore(t *testing.T) {
	type step struct {
		at   time.Duration // since the start of the case
		ev   event
		want string // rendered actions
	}
	willOf := func(name string) event { return event{kind: setWill, instance: name, will: testWill()} }
	beatOf := func(b *Beat) event { return event{kind: setBeat, instance: "VI_1", beat: b} }
	heard := func(sent time.Duration) event {
		return event{kind: heartbeat, instance: "VI_1", sent: testStart + sent}
	}
	resumed := func(b *Beat, spoke time.Duration) event {
		return event{kind: setBeat, instance: "VI_1", beat: b, resumed: true, spoke: testStart + spoke}
	}
	cases := []struct {
		name  string
		steps []step
	}{
		{"the first advert comes one interval after the daemon's own", []step{
			{0, beatOf(testBeat(100*ms, 1)), ""},
			{0, event{}, ""},
			{99 * ms, event{}, ""},
			{100 * ms, event{}, "advert VI_1 1"},
			{150 * ms, event{}, ""},
			{200 * ms, event{}, "advert VI_1 1"},
		}},
		{"a late advert is sent once and the next one is on time", []step{
			{0, beatOf(testBeat(100*ms, 1)), ""},
			{250 * ms, event{}, "advert VI_1 1"},
			{299 * ms, event{}, ""},
			{300 * ms, event{}, "advert VI_1 1"},
		}},
		{"another packet goes out in the phase of the former", []step{
			{0, beatOf(testBeat(100*ms, 1)), ""},
			{100 * ms, event{}, "advert VI_1 1"},
			{170 * ms, beatOf(testBeat(100*ms, 2)), ""},
			{199 * ms, event{}, ""},
			{200 * ms, event{}, "advert VI_1 2"},
		}},
		{"another interval counts from the last advert", []step{
			{0, beatOf(testBeat(100*ms, 1)), ""},
			{100 * ms, event{}, "advert VI_1 1"},
			{120 * ms, beatOf(testBeat(50*ms, 1)), ""},
			{149 * ms, event{}, ""},
			{150 * ms, event{}, "advert VI_1 1"},
		}},
		{"a longer interval is told at once, and counts from there", []step{
			{0, beatOf(testBeat(100*ms, 1)), ""},
			{100 * ms, event{}, "advert VI_1 1"},
			{120 * ms, beatOf(testBeat(300*ms, 2)), ""},
			{120 * ms, event{}, "advert VI_1 2"},
			{400 * ms, event{}, ""},
			{420 * ms, event{}, "advert VI_1 2"},
		}},
		{"a resumed beat is due at once", []step{
			{0, resumed(testBeat(100*ms, 1), -150*ms), ""},
			{1 * ms, event{}, "advert VI_1 1"},
			{100 * ms, event{}, "advert VI_1 1"},
		}},
		{"one resumed after the peer's patience waits until the daemon has looked", []step{
			{0, resumed(testBeat(100*ms, 1), -401*ms), ""},
			{1 * ms, event{}, ""},
			{20 * ms, heard(10 * ms), ""},
			{20 * ms, event{}, "advert VI_1 1"},
		}},
		{"adverts that were late within the peer's patience go on", []step{
			{0, beatOf(testBeat(100*ms, 1)), ""},
			{400 * ms, event{}, "advert VI_1 1"},
			{799 * ms, event{}, "advert VI_1 1"},
		}},
		{"late beyond it, they wait for a daemon that slept as well", []step{
			{0, beatOf(testBeat(100*ms, 1)), ""},
			{80 * ms, heard(80 * ms), ""},
			{100 * ms, event{}, "advert VI_1 1"},
			{501 * ms, event{}, ""},
			{510 * ms, heard(90 * ms), ""}, // from before: it waited in the queue
			{510 * ms, event{}, ""},
			{520 * ms, heard(515 * ms), ""},
			{520 * ms, event{}, "advert VI_1 1"},
			{600 * ms, event{}, "advert VI_1 1"},
		}},
		{"and for one that was awake they do not", []step{
			{0, beatOf(testBeat(100*ms, 1)), ""},
			{100 * ms, event{}, "advert VI_1 1"},
			{501 * ms, heard(420 * ms), ""},
			{501 * ms, event{}, "advert VI_1 1"},
		}},
		{"a stopped beat is over", []step{
			{0, beatOf(testBeat(100*ms, 1)), ""},
			{100 * ms, beatOf(nil), ""},
			{100 * ms, event{}, ""},
			{200 * ms, event{}, ""},
		}},
		{"without a will a silent daemon loses its beat, not its life", []step{
			{0, beatOf(testBeat(400*ms, 1)), ""},
			{400 * ms, event{}, "advert VI_1 1"},
			{800 * ms, event{}, "advert VI_1 1"},
			{1200 * ms, event{}, "advert VI_1 1"},
			{1600 * ms, event{}, ""},
			{9000 * ms, event{}, ""},
		}},
		{"a silent daemon is killed, and its end carries out the will", []step{
			{0, willOf("VI_1"), "save"},
			{0, beatOf(testBeat(500*ms, 1)), ""},
			{100 * ms, heard(100 * ms), ""},
			{500 * ms, event{}, "advert VI_1 1"},
			{700 * ms, event{}, ""},
			{850 * ms, event{}, ""},
			{1000 * ms, event{}, "advert VI_1 1"},
			{1150 * ms, event{}, ""},
			{1300 * ms, event{}, ""},
			{1450 * ms, event{}, ""},
			{1599 * ms, event{}, "advert VI_1 1"},
			{1600 * ms, event{}, "kill"},
			{1610 * ms, event{}, ""},
			{1620 * ms, event{kind: hangup}, "carry out VI_1, save, exit"},
			{1620 * ms, event{}, ""},
		}},
		{"a killed daemon that does not end is not waited for", []step{
			{0, willOf("VI_1"), "save"},
			{1500 * ms, event{}, "kill"},
			{1799 * ms, event{}, ""},
			{1800 * ms, event{}, "carry out VI_1, save, exit"},
			{1801 * ms, event{kind: hangup}, ""},
		}},
		{"an end carries out all wills, by name", []step{
			{0, willOf("VI_2"), "save"},
			{0, willOf("VI_1"), "save"},
			{0, event{kind: setBeat, instance: "VI_3", beat: testBeat(100*ms, 3)}, ""},
			{1 * ms, event{kind: hangup}, "carry out VI_1, carry out VI_2, save, exit"},
		}},
		{"one frozen loop among living ones is enough", []step{
			{0, willOf("VI_1"), "save"},
			{0, willOf("VI_2"), "save"},
			{1400 * ms, heard(1400 * ms), ""},
			{1500 * ms, event{}, "kill"},
		}},
		{"a cancelled will is not carried out", []step{
			{0, willOf("VI_1"), "save"},
			{1 * ms, event{kind: setWill, instance: "VI_1"}, "save"},
			{1 * ms, event{}, ""},
			{9000 * ms, event{}, ""},
			{9000 * ms, event{kind: hangup}, "save, exit"},
		}},
		{"a clean stop cancels", []step{
			{0, willOf("VI_1"), "save"},
			{1 * ms, event{kind: stop}, "save, exit"},
			{1 * ms, event{kind: hangup}, ""},
		}},
		{"a heartbeat that waited in the queue is as old as it is", []step{
			{0, willOf("VI_1"), "save"},
			{1400 * ms, heard(0), ""},
			{1500 * ms, event{}, "kill"},
		}},
		{"a heartbeat from the future counts as one of now", []step{
			{0, willOf("VI_1"), "save"},
			{100 * ms, heard(time.Hour), ""},
			{1599 * ms, event{}, ""},
			{1600 * ms, event{}, "kill"},
		}},
		{"a keeper that overslept grants a fresh period and stays silent until it hears something new", []step{
			{0, willOf("VI_1"), "save"},
			{0, beatOf(testBeat(250*ms, 1)), ""},
			{0, event{}, ""}, // to wake at 150 ms
			{140 * ms, heard(140 * ms), ""},
			{1200 * ms, event{}, ""}, // an advert is due, and the heartbeat is young enough
			{1350 * ms, event{}, ""},
			{2600 * ms, event{}, ""},
			{2700 * ms, heard(2650 * ms), ""},
			{2700 * ms, event{}, "advert VI_1 1"},
			{2850 * ms, event{}, "advert VI_1 1"},
			{3000 * ms, event{}, "advert VI_1 1"},
		}},
		{"being late by a little is no oversleeping", []step{
			{0, willOf("VI_1"), "save"},
			{0, event{}, ""}, // to wake at 150 ms
			{400 * ms, event{}, ""},
			{800 * ms, event{}, ""},
			{1200 * ms, event{}, ""},
			{1500 * ms, event{}, "kill"},
		}},
		{"a shorter interval that has passed already is due now", []step{
			{0, beatOf(testBeat(100*ms, 1)), ""},
			{80 * ms, beatOf(testBeat(50*ms, 1)), ""},
			{80 * ms, event{}, "advert VI_1 1"},
			{100 * ms, event{}, ""},
			{130 * ms, event{}, "advert VI_1 1"},
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := core{silence: defaultSilence}
			for _, s := range tc.steps {
				got := render(c.step(testStart+s.at, s.ev, nil))
				if got != s.want {
					t.Fatalf("at %v: got actions %q, want %q", s.at, got, s.want)
				}
			}
		})
	}
}

// testStart is some time after boot.
const testStart = 100 * time.Second

func TestCoreOversleepsOnceAndThenKills(t *testing.T) {
	t.Parallel()
	c := core{silence: defaultSilence}
	c.step(testStart, event{kind: setWill, instance: "VI_1", will: testWill()}, nil)
	c.step(testStart, event{}, nil)
	woke := testStart + 8*time.Hour
	for now := woke; ; now = c.wake {
		if got := render(c.step(now, event{}, nil)); got == "kill" {
			if now-woke != defaultSilence {
				t.Errorf("killed %v after waking, want %v", now-woke, defaultSilence)
			}
			break
		}
		if c.wake <= now {
			t.Fatalf("at %v: next wake %v is not in the future", now-woke, c.wake-woke)
		}
	}
	if c.overslept != 1 {
		t.Errorf("overslept %d times, want 1", c.overslept)
	}
}

// A silent daemon is looked at from half the time on that it may be silent, and time in which it was not let run is not held
// against it, up to a bound.
func TestCoreExcusesAStarvedDaemon(t *testing.T) {
	t.Parallel()
	const look = 750 * ms
	queued := func(time.Duration) thread { return thread{id: 2, state: 'R'} }
	for _, tt := range []struct {
		name  string
		seen  func(now time.Duration) thread // what the keeper finds of the daemon
		heard time.Duration                  // one more heartbeat
		want  time.Duration                  // when it is killed
	}{
		{"sleeps", func(time.Duration) thread { return thread{id: 2, state: 'S'} }, 0, 1500 * ms},
		{"spins", func(now time.Duration) thread { return thread{id: 2, state: 'R', ran: now} }, 0, 1500 * ms},
		{"is stopped on a busy machine", func(now time.Duration) thread { return thread{id: 2, state: 'T', waited: now} }, 0, 1500 * ms},
		{"is not let run for as long as is excused", queued, 0, 4500 * ms},
		{"is let run little", func(now time.Duration) thread {
			return thread{id: 2, state: 'S', waited: now * 2 / 3, ran: now / 10, turns: uint64(now / ms)}
		}, 0, 4500 * ms},
		{"was not let run for 600 ms, and then hangs", func(now time.Duration) thread {
			if now <= look+600*ms {
				return queued(now)
			}
			return thread{id: 2, state: 'S'}
		}, 0, 2100 * ms},
		{"was not let run, came through, and hangs", func(now time.Duration) thread {
			if now < 1300*ms {
				return queued(now)
			}
			return thread{id: 2, state: 'S'}
		}, 1300 * ms, 2800 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := core{silence: defaultSilence}
			c.step(testStart, event{kind: setWill, instance: "VI_1", will: testWill()}, nil)
			c.step(testStart, event{kind: setBeat, instance: "VI_1", beat: testBeat(50*ms, 1)}, nil)
			first, spoke := time.Duration(0), time.Duration(0)
			for now := time.Duration(0); now < 10*time.Second; now += 50 * ms {
				if now == tt.heard {
					c.step(testStart+now, event{kind: heartbeat, instance: "VI_1", sent: testStart + now}, nil)
				}
				for _, a := range c.step(testStart+now, event{}, nil) {
					switch a.kind {
					case sendAdvert:
						spoke = now
					case lookAtDaemon:
						if first == 0 {
							first = now
						}
						c.step(testStart+now, event{kind: sawDaemon, threads: []thread{{id: 1, state: 'S'}, tt.seen(now)}}, nil)
					case killDaemon:
						if now != tt.want || spoke != now-50*ms || first != look {
							t.Errorf("looked from %v on, last advert at %v, killed at %v; want %v, just before, %v", first, spoke, now, look, tt.want)
						}
						return
					}
				}
			}
			t.Error("not killed within 10 s")
		})
	}
}

// TestCoreProperties drives the core as the loop does, always waking when asked, with random requests and heartbeats.
func TestCoreProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := core{silence: defaultSilence}
		now := testStart
		names := []string{"VI_1", "VI_2", "VI_3"}
		held := map[string]bool{}            // model: instances with a will
		beats := map[string]time.Duration{}  // model: intervals
		heard := map[string]time.Duration{}  // model: last sign of life
		advert := map[string]time.Duration{} // last advert
		killed := false
		check := func(actions []action) {
			for _, a := range actions {
				switch a.kind {
				case sendAdvert:
					if beats[a.instance] == 0 || killed {
						t.Fatalf("advert for %s, which has no beat", a.instance)
					}
					if age := now - heard[a.instance]; age >= defaultSilence {
						t.Fatalf("advert for %s, silent for %v", a.instance, age)
					}
					if last, ok := advert[a.instance]; ok && now-last < beats[a.instance]/2 {
						t.Fatalf("adverts of %s %v apart, interval %v", a.instance, now-last, beats[a.instance])
					}
					if advert[a.instance] = now; a.late > 0 {
						delete(advert, a.instance) // the next one is on time again, and so nearer
					}
				case killDaemon:
					killed = true
					if !slices.ContainsFunc(names, func(n string) bool { return held[n] && now-heard[n] >= defaultSilence }) {
						t.Fatal("killed a daemon that is not silent")
					}
				case carryOut:
					if !held[a.instance] {
						t.Fatalf("carried out the will of %s, which has none", a.instance)
					}
					delete(held, a.instance)
				}
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			name := rapid.SampledFrom(names).Draw(t, "instance")
			ev := event{instance: name}
			switch rapid.IntRange(0, 4).Draw(t, "event") {
			case 0:
				ev.kind = heartbeat
				ev.sent = now - time.Duration(rapid.IntRange(0, 300).Draw(t, "age"))*ms
				if held[name] || beats[name] != 0 {
					heard[name] = max(heard[name], ev.sent)
				}
			case 1:
				ev.kind = setWill
				if held[name] = rapid.Bool().Draw(t, "will"); held[name] {
					ev.will = testWill()
				}
				heard[name] = now
			case 2:
				ev.kind = setBeat
				delete(beats, name)
				delete(advert, name)
				if rapid.Bool().Draw(t, "beat") {
					beats[name] = time.Duration(rapid.IntRange(10, 1000).Draw(t, "interval")) * ms
					ev.beat = testBeat(beats[name], 1)
				}
				heard[name] = now
			default: // time passes; the loop wakes as often as the core asks for it
				until := now + time.Duration(rapid.IntRange(1, 2000).Draw(t, "pass"))*ms
				for c.wake != 0 && c.wake < until && !c.ended {
					now = max(now, c.wake)
					check(c.step(now, event{}, nil))
				}
				now = until
			}
			if killed {
				break
			}
			check(c.step(now, ev, nil))
			check(c.step(now, event{}, nil))
			for _, n := range names {
				if !killed && held[n] && now-heard[n] > defaultSilence+defaultSilence/oversleepPart {
					t.Fatalf("%s is silent for %v and lives", n, now-heard[n])
				}
			}
		}
		check(c.step(now, event{kind: hangup}, nil))
		for n, h := range held {
			if h {
				t.Fatalf("the will of %s was not carried out", n)
			}
		}
		if c.overslept != 0 {
			t.Fatalf("overslept %d times though it never did", c.overslept)
		}
	})
}
