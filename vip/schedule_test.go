package vip

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// sends runs a schedule until the given age and returns the ages at which it sent, in the order of sending. Each
// event is applied at its age.
func sends(c *schedule, until time.Duration, events map[time.Duration]func(now time.Time)) []time.Duration {
	epoch := time.Unix(1000, 0)
	ages := []time.Duration{until}
	for age := range events {
		ages = append(ages, age)
	}
	slices.Sort(ages)
	var got []time.Duration
	var now time.Time
	drain := func() {
		for {
			a, ok := c.next(now)
			if !ok {
				return
			}
			got = append(got, now.Sub(epoch))
			c.done(a)
		}
	}
	for _, age := range ages {
		for {
			d := c.deadline()
			if d.IsZero() || d.After(epoch.Add(age)) {
				break
			}
			now = later(d, now)
			drain()
		}
		now = epoch.Add(age)
		if do := events[age]; do != nil {
			do(now)
		}
		drain()
	}
	return got
}

// answersAt are the ages of the announcements that answer a sign, of one address.
func answersAt(starts ...time.Duration) []time.Duration {
	var ages []time.Duration
	for _, start := range starts {
		for round := range answerRounds {
			ages = append(ages, start+answerAt(round))
		}
	}
	return ages
}

func TestSchedule(t *testing.T) {
	garp := GARP{Repeat: 2, Delay: 5 * time.Second, Refresh: 30 * time.Second}
	const ms, s = time.Millisecond, time.Second
	for _, tt := range []struct {
		name   string
		events func(c *schedule) map[time.Duration]func(time.Time)
		until  time.Duration
		want   []time.Duration
	}{
		{
			name: "a takeover: a burst, another after the delay, single ones as refresh",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				return map[time.Duration]func(time.Time){0: c.takeover}
			},
			until: 61 * s,
			want:  []time.Duration{0, 0, 5 * s, 5 * s, 30 * s, 60 * s},
		}, {
			name: "no more than one burst a second, and the last sign is answered",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				return map[time.Duration]func(time.Time){
					0: c.takeover, 200 * ms: c.ask, 300 * ms: c.ask, 1100 * ms: c.ask, 3 * s: c.ask,
				}
			},
			until: 4 * s,
			want:  []time.Duration{0, 0, 1 * s, 1 * s, 2 * s, 2 * s, 3 * s, 3 * s},
		}, {
			name: "no more than one answer a second, and the last sign is answered",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				return map[time.Duration]func(time.Time){
					0: c.takeover, 200 * ms: c.contest, 300 * ms: c.contest, 1100 * ms: c.contest, 3 * s: c.contest,
				}
			},
			until: 4 * s,
			want:  slices.Sorted(slices.Values(slices.Concat([]time.Duration{0, 0, 300 * ms, 1100 * ms}, answersAt(200*ms, 1200*ms, 3*s)))),
		}, {
			name: "an answer does not wait for the end of another burst's second",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				return map[time.Duration]func(time.Time){0: c.takeover, 4500 * ms: c.ask, 4700 * ms: c.contest}
			},
			until: 10 * s,
			want:  slices.Concat([]time.Duration{0, 0, 4500 * ms, 4500 * ms}, answersAt(4700*ms), []time.Duration{5700 * ms, 5700 * ms}),
		}, {
			name: "an answer serves the second burst",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				return map[time.Duration]func(time.Time){0: c.takeover, 4500 * ms: c.contest, 5400 * ms: c.contest}
			},
			until: 10 * s,
			want:  slices.Sorted(slices.Values(slices.Concat([]time.Duration{0, 0, 5400 * ms}, answersAt(4500*ms, 5500*ms)))),
		}, {
			name: "a burst just before the second one moves it",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				return map[time.Duration]func(time.Time){0: c.takeover, 4500 * ms: c.ask}
			},
			until: 10 * s,
			want:  []time.Duration{0, 0, 4500 * ms, 4500 * ms, 5500 * ms, 5500 * ms},
		}, {
			name: "one burst serves the answer and the refresh",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				return map[time.Duration]func(time.Time){0: c.takeover, 29500 * ms: c.ask, 29600 * ms: c.ask}
			},
			until: 59 * s,
			want:  []time.Duration{0, 0, 5 * s, 5 * s, 29500 * ms, 29500 * ms, 30500 * ms, 30500 * ms},
		}, {
			name: "a takeover is at once, whatever was before",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				return map[time.Duration]func(time.Time){0: c.takeover, 100 * ms: c.takeover}
			},
			until: 5100 * ms,
			want:  []time.Duration{0, 0, 100 * ms, 100 * ms, 5100 * ms, 5100 * ms},
		}, {
			name: "after stop nothing is sent",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				return map[time.Duration]func(time.Time){
					0: c.takeover, 100 * ms: c.ask, 200 * ms: func(time.Time) { c.stop() },
				}
			},
			until: 90 * s,
			want:  []time.Duration{0, 0},
		}, {
			name: "without refresh",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				c.garp.Refresh = -1
				return map[time.Duration]func(time.Time){0: c.takeover}
			},
			until: 90 * s,
			want:  []time.Duration{0, 0, 5 * s, 5 * s},
		}, {
			name: "an answer without a takeover",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				return map[time.Duration]func(time.Time){0: c.ask}
			},
			until: 90 * s,
			want:  []time.Duration{0, 0},
		}, {
			name: "a refresh that a reload shortens",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				return map[time.Duration]func(time.Time){0: c.takeover, 6 * s: func(now time.Time) {
					c.configure(now, GARP{Repeat: 2, Refresh: 10 * time.Second}, 1, false)
				}}
			},
			until: 27 * s,
			want:  []time.Duration{0, 0, 5 * s, 5 * s, 16 * s, 26 * s},
		}, {
			name: "addresses that a reload changes are announced as at a takeover",
			events: func(c *schedule) map[time.Duration]func(time.Time) {
				return map[time.Duration]func(time.Time){0: c.takeover, 20 * s: func(now time.Time) {
					c.configure(now, garp, 2, true)
				}}
			},
			until: 26 * s,
			want:  []time.Duration{0, 0, 5 * s, 5 * s, 20 * s, 20 * s, 20 * s, 20 * s, 25 * s, 25 * s, 25 * s, 25 * s},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &schedule{garp: garp, addrs: 1}
			if got := sends(c, tt.until, tt.events(c)); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestScheduleOrder: every address is announced once before any a second time.
func TestScheduleOrder(t *testing.T) {
	c := &schedule{garp: GARP{Repeat: 2}.withDefaults(), addrs: 3}
	now := time.Unix(1000, 0)
	c.takeover(now)
	var got []int
	for {
		a, ok := c.next(now)
		if !ok {
			break
		}
		got = append(got, a.addr)
		c.done(a)
	}
	if want := []int{0, 1, 2, 0, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestScheduleWithoutAddresses(t *testing.T) {
	c := &schedule{garp: GARP{}.withDefaults()}
	now := time.Unix(1000, 0)
	c.takeover(now)
	if a, ok := c.next(now); ok {
		t.Errorf("got address %d announced, want none", a.addr)
	}
}

// TestAnswerOutlastsTheOther: another holder's advert is the sign; it announces the address itself some milliseconds later,
// or gives it up some hundred milliseconds later. When the answer was over by then, clients were astray for the rest of
// a second.
func TestAnswerOutlastsTheOther(t *testing.T) {
	for _, repeat := range []int{1, 5, 100} {
		c := &schedule{garp: GARP{Repeat: repeat, Delay: time.Hour, Refresh: -1}, addrs: 1}
		got := sends(c, 10*time.Second, map[time.Duration]func(time.Time){
			0: c.takeover, 2 * time.Second: c.contest, 2600 * time.Millisecond: c.contest,
		})
		for _, after := range []time.Duration{0, 20 * time.Millisecond, 610 * time.Millisecond, 890 * time.Millisecond, 1600 * time.Millisecond} {
			other := 2*time.Second + after
			if !slices.ContainsFunc(got, func(sent time.Duration) bool { return sent >= other && sent <= other+answerStep }) {
				t.Errorf("repeat %d: the other acts at %v, answers at %v; want one within %v", repeat, other, got, answerStep)
			}
		}
	}
}

// TestAnswerEchoesTheOthersAnnouncement: who takes an address over says so by an advert, and announces the address some
// milliseconds later. Its clients went astray for the 100 ms until the answer's next round.
func TestAnswerEchoesTheOthersAnnouncement(t *testing.T) {
	const sign = 10 * time.Second
	c := &schedule{garp: GARP{Repeat: 1, Delay: time.Hour, Refresh: -1}, addrs: 1}
	got := sends(c, 20*time.Second, map[time.Duration]func(time.Time){0: c.takeover, sign: c.contest})
	for after, within := range map[time.Duration]time.Duration{2: 8, 9: 1, 15: 15, 29: 1, 31: 69} {
		other, limit := sign+after*time.Millisecond, sign+(after+within)*time.Millisecond
		if !slices.ContainsFunc(got, func(sent time.Duration) bool { return sent >= other && sent <= limit }) {
			t.Errorf("the other announces after %d ms, answers at %v; want one within %d ms", after, got, within)
		}
	}
}

// TestSignDuringAnAnswerIsAnsweredAtOnce: in a contest that goes on each advert of the other holder is a sign; it gives the
// address up after one of them, and its clients waited for the answer's next round.
func TestSignDuringAnAnswerIsAnsweredAtOnce(t *testing.T) {
	const second, ms = time.Second, time.Millisecond
	c := &schedule{garp: GARP{Repeat: 1, Delay: time.Hour, Refresh: -1}, addrs: 2}
	got := sends(c, 20*second, map[time.Duration]func(time.Time){
		0: c.takeover, 10 * second: c.contest, 10*second + 250*ms: c.contest, 10*second + 299*ms: c.contest, 10*second + 950*ms: c.contest,
	})
	for age, want := range map[time.Duration]int{250 * ms: 2, 299 * ms: 0, 950 * ms: 2} { // one of each address; not twice in 50 ms
		n := 0
		for _, sent := range got {
			if sent == 10*second+age {
				n++
			}
		}
		if n != want {
			t.Errorf("sign %v after the first one: %d announcements at once, want %d; all: %v", age, n, want, got)
		}
	}
}

// TestScheduleRate: whatever is asked when, there is at most one answer a second beside one other burst, and a sign is
// answered within a second.
func TestScheduleRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &schedule{garp: GARP{Repeat: 1}.withDefaults(), addrs: 1}
		events := map[time.Duration]func(time.Time){0: c.takeover}
		var asked []time.Duration
		for _, ms := range rapid.SliceOf(rapid.IntRange(1, 40_000)).Draw(t, "asked") {
			age := time.Duration(ms) * time.Millisecond
			events[age] = c.contest
			asked = append(asked, age)
		}
		got := sends(c, time.Minute, events)
		const most = answerRounds + 1 + int(burstGap/extraGap) // an answer with its extra rounds, and one of another burst
		for i := most; i < len(got); i++ {
			if got[i]-got[i-most] < burstGap {
				t.Fatalf("announcements at %v, want at most %d in a second", got[i-most:i+1], most)
			}
		}
		for _, age := range asked {
			if !slices.ContainsFunc(got, func(sent time.Duration) bool { return sent >= age && sent <= age+burstGap }) {
				t.Fatalf("sign at %v: bursts at %v, want one within a second", age, got)
			}
		}
	})
}

// TestPlanChangedWhileAnAnnouncementIsSent: what is sent of one burst, round or holding is not taken off the next one, whose
// first address would be left out.
func TestPlanChangedWhileAnAnnouncementIsSent(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, tt := range []struct {
		name   string
		change func(c *schedule)
		want   []int // what is announced from then on
	}{
		{"a takeover", func(c *schedule) { c.takeover(now) }, []int{0, 1}},
		{"a release and a takeover", func(c *schedule) { c.stop(); c.takeover(now) }, []int{0, 1}},
		{"an extra round", func(c *schedule) { c.lastAnswer = now; c.contest(now) }, []int{0, 1, 0, 1}},
		{"nothing", func(*schedule) {}, []int{1}},
	} {
		c := &schedule{garp: GARP{Repeat: 1, Delay: time.Hour, Refresh: -1}, addrs: 2}
		c.takeover(now)
		sent, ok := c.next(now)
		if !ok {
			t.Fatalf("%s: nothing is due", tt.name)
		}
		tt.change(c)
		c.wait(sent, now.Add(time.Hour)) // the pacer's word on the former one holds nothing up
		if tt.name == "nothing" {
			c.pause = time.Time{}
		}
		c.done(sent)
		var got []int
		for a, ok := c.next(now); ok; a, ok = c.next(now) {
			got = append(got, a.addr)
			c.done(a)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: announced %v, want %v", tt.name, got, tt.want)
		}
	}
}
