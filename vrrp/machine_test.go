package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func testConfig() Config {
	return Config{
		Name: "VI_1", Interface: "eth0", VRID: 51, Version: V2, Priority: 100,
		AdvertInterval: time.Second, Addresses: addrs("10.0.0.100"),
	}
}

var (
	self  = netip.MustParseAddr("10.0.0.5")
	lower = netip.MustParseAddr("10.0.0.4")
	above = netip.MustParseAddr("10.0.0.6")
)

// bench drives one Machine through virtual time.
type bench struct {
	t     *testing.T
	m     *Machine
	start time.Time
	now   time.Time
}

// newBench has a Machine in Initialize that knows its source.
func newBench(t *testing.T, set func(*Config)) *bench {
	t.Helper()
	cfg := testConfig()
	if set != nil {
		set(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, m: NewMachine(cfg), start: simEpoch, now: simEpoch}
	b.do(SourceChanged{self})
	return b
}

// backup is a Machine that has started as Backup.
func backup(t *testing.T, set func(*Config)) *bench {
	t.Helper()
	b := newBench(t, set)
	b.want(b.do(Startup{}), "INIT>BACKUP")
	return b
}

// master is a Machine that is Master and holds the addresses.
func master(t *testing.T, set func(*Config)) *bench {
	t.Helper()
	b := backup(t, set)
	b.now = b.m.Deadline()
	b.want(b.do(Tick{}), fmt.Sprintf("send %d, acquire, BACKUP>MASTER", b.m.Priority()))
	b.want(b.do(AddressesReady{}), "")
	return b
}

func (b *bench) do(ev Event) []Action { return b.m.Step(b.now, ev, nil) }

func (b *bench) hear(priority uint8, from netip.Addr) []Action {
	ad := b.m.Advert()
	ad.Priority = priority
	return b.do(AdvertReceived{Advert: ad, From: from})
}

func (b *bench) after(d time.Duration) *bench { b.now = b.now.Add(d); return b }

// want compares actions with their short form.
func (b *bench) want(got []Action, want string) {
	b.t.Helper()
	if s := short(got); s != want {
		b.t.Errorf("after %v: got %q, want %q", b.now.Sub(b.start), s, want)
	}
}

// due checks the time until the next tick; 0: none.
func (b *bench) due(want time.Duration) {
	b.t.Helper()
	got := time.Duration(0)
	if d := b.m.Deadline(); !d.IsZero() {
		got = d.Sub(b.now)
	}
	if got != want {
		b.t.Errorf("after %v: next tick in %v, want %v", b.now.Sub(b.start), got, want)
	}
}

func (b *bench) state(want State) {
	b.t.Helper()
	if got := b.m.State(); got != want {
		b.t.Errorf("after %v: state %v, want %v", b.now.Sub(b.start), got, want)
	}
}

// short writes actions as one line.
func short(actions []Action) string {
	var s []string
	for _, a := range actions {
		switch a := a.(type) {
		case SendAdvert:
			word := "send"
			if a.Periodic {
				word = "beat"
			}
			s = append(s, fmt.Sprintf("%s %d", word, a.Advert.Priority))
		case AcquireAddresses:
			s = append(s, "acquire")
		case ReleaseAddresses:
			s = append(s, "release")
		case Announce:
			s = append(s, "announce")
		case Transition:
			s = append(s, fmt.Sprintf("%v>%v", a.From, a.To))
		}
	}
	return strings.Join(s, ", ")
}

const (
	down100 = 3609375 * time.Microsecond // master down interval at priority 100
	skew100 = 609375 * time.Microsecond
)

func owner(c *Config)     { c.Priority = PriorityOwner }
func noPreempt(c *Config) { c.NoPreempt = true }

// Rule 60: "If the Priority = 255 (i.e., the router owns the IP address(es) associated with the virtual router) o Send an
// ADVERTISEMENT ... o Transition to the {Master} state" (RFC 3768 section 6.4.1)
func TestRule60_OwnerStartsAsMaster(t *testing.T) {
	b := newBench(t, owner)
	b.want(b.do(Startup{}), "send 255, acquire, INIT>MASTER")
	b.due(time.Second)
	t.Run("an owner that must not preempt listens first", func(t *testing.T) {
		b := newBench(t, owner)
		b.do(HoldPreempt{[]string{"the last run ended uncleanly"}})
		b.want(b.do(Startup{}), "INIT>BACKUP")
	})
}

// Rule 61: "else o Set the Master_Down_Timer to Master_Down_Interval o Transition to the {Backup} state" (section 6.4.1)
func TestRule61_OthersStartAsBackup(t *testing.T) {
	b := backup(t, nil)
	b.due(down100)
	b.after(down100 - 1)
	b.want(b.do(Tick{}), "")
}

// Rule 62: "If a Shutdown event is received, then: o Cancel the Master_Down_Timer o Transition to the {Initialize}
// state" (section 6.4.2): no advert.
func TestRule62_BackupShutsDownSilently(t *testing.T) {
	b := backup(t, nil)
	b.want(b.do(Shutdown{}), "BACKUP>INIT")
	b.due(0)
	if !b.m.Done() {
		t.Error("not done")
	}
	b.want(b.hear(50, lower), "")
	b.want(b.after(time.Hour).do(Tick{}), "")
}

// Rules 63, 82 and 91: "If the Master_Down_Timer fires, then: o Send an ADVERTISEMENT o Broadcast a gratuitous ARP request
// ... o Set the Adver_Timer to Advertisement_Interval o Transition to the {Master} state" (section 6.4.2). The advert comes
// first, so that a former master drops the addresses; the executor acquires them before it announces (rule 91).
func TestRule63_82_91_DownTimerMakesMaster(t *testing.T) {
	b := backup(t, nil)
	b.now = b.m.Deadline()
	got := b.do(Tick{})
	b.want(got, "send 100, acquire, BACKUP>MASTER")
	b.due(time.Second)
	t.Run("the epoch of the acquisition is that of the transition", func(t *testing.T) {
		if a, tr := got[1].(AcquireAddresses), got[2].(Transition); a.Epoch != tr.Epoch || a.Epoch != 2 {
			t.Errorf("got epochs %d and %d, want 2", a.Epoch, tr.Epoch)
		}
	})
	t.Run("nothing is announced that is not asked for", func(t *testing.T) {
		b.want(b.do(AddressesReady{}), "")
	})
}

// Rule 64: "If the Priority in the ADVERTISEMENT is Zero, then: o Set the Master_Down_Timer to Skew_Time" (section 6.4.2),
// so not at once.
func TestRule64_PriorityZeroWaitsTheSkew(t *testing.T) {
	b := backup(t, nil)
	b.hear(200, above)
	b.after(100 * time.Millisecond)
	b.want(b.hear(0, above), "")
	b.state(Backup)
	b.due(skew100)
	b.after(skew100 - 1)
	b.want(b.do(Tick{}), "")
	b.after(1)
	got := b.do(Tick{})
	b.want(got, "send 100, acquire, BACKUP>MASTER")
	if reason := got[2].(Transition).Reason; reason != "10.0.0.6 resigned" {
		t.Errorf("got reason %q", reason)
	}
}

// Rules 65 and 66: "If Preempt_Mode is False, or If the Priority in the ADVERTISEMENT is greater than or equal to the local
// Priority, then: o Reset the Master_Down_Timer to Master_Down_Interval else: o Discard the ADVERTISEMENT" (section 6.4.2)
func TestRule65_66_BackupHears(t *testing.T) {
	tests := []struct {
		name     string
		set      func(*Config)
		priority uint8
		from     netip.Addr
		reset    bool
	}{
		{"rule 65 higher", nil, 101, lower, true},
		{"rule 65 equal from a lower address", nil, 100, lower, true},
		{"rule 65 equal from a higher address", nil, 100, above, true},
		{"rule 65 lower, preempt false", noPreempt, 99, above, true},
		{"rule 66 lower, preempt true", nil, 99, above, false},
		{"rule 73 preempt is the default", nil, 1, above, false},
		{"rule 73 an owner preempts in spite of preempt false", func(c *Config) { owner(c); noPreempt(c) }, 254, above, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, tt.set)
			b.do(HoldPreempt{[]string{"so that an owner starts as backup"}})
			b.do(Startup{})
			b.do(HoldPreempt{})
			whole := b.m.MasterDownInterval()
			b.after(time.Second)
			b.want(b.hear(tt.priority, tt.from), "")
			if tt.reset {
				b.due(whole)
			} else {
				b.due(whole - time.Second)
			}
		})
	}
}

// Rule 66: the timer of the discarded advert runs on, so takeover comes at the next expiry.
func TestRule66_PreemptsAtExpiry(t *testing.T) {
	b := backup(t, nil)
	for range 3 {
		b.after(time.Second)
		b.want(b.hear(99, above), "")
	}
	b.after(skew100)
	got := b.do(Tick{})
	b.want(got, "send 100, acquire, BACKUP>MASTER")
	if reason := got[2].(Transition).Reason; reason != "10.0.0.6 advertises priority 99, own is 100" {
		t.Errorf("got reason %q", reason)
	}
}

// Rule 67: "If the Adver_Timer fires, then: o Send an ADVERTISEMENT o Reset the Adver_Timer to Advertisement_Interval"
// (section 6.4.3)
func TestRule67_MasterBeats(t *testing.T) {
	b := master(t, nil)
	for range 3 {
		b.after(time.Second)
		b.want(b.do(Tick{}), "beat 100")
		b.due(time.Second)
	}
}

// Rules 68 and 83: "If a Shutdown event is received, then: o Cancel the Adver_Timer o Send an ADVERTISEMENT with Priority =
// 0 o Transition to the {Initialize} state" (section 6.4.3); the addresses are gone before priority 0 is said.
func TestRule68_83_MasterShutsDown(t *testing.T) {
	b := master(t, nil)
	b.want(b.do(Shutdown{}), "release")
	b.state(Master)
	if b.m.Beating() {
		t.Error("somebody else may still beat")
	}
	b.after(500 * time.Millisecond)
	b.want(b.do(AddressesReleased{}), "send 0, MASTER>INIT")
	b.due(0)
	if !b.m.Done() {
		t.Error("not done")
	}
}

func TestRule83_ResigningKeepsPeersWaiting(t *testing.T) {
	b := master(t, nil)
	b.do(Shutdown{})
	b.after(time.Second)
	b.want(b.do(Tick{}), "beat 100")
	t.Run("but not for ever", func(t *testing.T) {
		b.after(ReleaseTimeout - time.Second)
		b.want(b.do(Tick{}), "send 0, MASTER>INIT")
	})
	t.Run("and a late answer changes nothing", func(t *testing.T) {
		b.want(b.do(AddressesReleased{}), "")
	})
}

func TestRule83_WhileResigning(t *testing.T) {
	resigning := func(t *testing.T) *bench {
		b := master(t, nil)
		b.want(b.do(Shutdown{}), "release")
		return b
	}
	t.Run("a second Shutdown asks for nothing", func(t *testing.T) {
		b := resigning(t)
		b.want(b.do(Shutdown{}), "")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>INIT")
	})
	t.Run("a lower advert is left alone", func(t *testing.T) {
		b := resigning(t)
		b.want(b.hear(50, above), "")
	})
	t.Run("a higher advert makes priority 0 unnecessary", func(t *testing.T) {
		b := resigning(t)
		b.want(b.hear(200, above), "MASTER>BACKUP")
		b.want(b.do(AddressesReleased{}), "send 100, BACKUP>INIT")
	})
	t.Run("lost addresses are no news", func(t *testing.T) {
		b := resigning(t)
		b.want(b.do(AddressFailed{errors.New("gone")}), "")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>INIT")
	})
	t.Run("oversleeping ends it in silence", func(t *testing.T) {
		b := resigning(t)
		b.want(b.after(time.Minute).do(Overslept{time.Minute}), "MASTER>BACKUP")
		b.want(b.do(AddressesReleased{}), "BACKUP>INIT")
	})
	t.Run("a fault that passes does not stop it", func(t *testing.T) {
		b := master(t, nil)
		b.want(b.do(FaultChanged{[]string{"eth0 is down"}}), "release")
		b.want(b.do(FaultChanged{}), "")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>BACKUP")
		b.due(down100)
	})
	t.Run("a shutdown during a fault's release is one farewell", func(t *testing.T) {
		b := master(t, nil)
		b.want(b.do(FaultChanged{[]string{"eth0 is down"}}), "release")
		b.want(b.do(Shutdown{}), "")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>INIT")
	})
}

// Rule 69: "If the Priority in the ADVERTISEMENT is Zero, then: o Send an ADVERTISEMENT o Reset the Adver_Timer to
// Advertisement_Interval" (section 6.4.3)
func TestRule69_MasterAnswersPriorityZero(t *testing.T) {
	b := master(t, nil)
	b.after(400 * time.Millisecond)
	b.want(b.hear(0, above), "send 100")
	b.due(time.Second)
}

// Rules 70, 72 and 74: "If the Priority in the ADVERTISEMENT is greater than the local Priority, or If the Priority in the
// ADVERTISEMENT is equal to the local Priority and the primary IP Address of the sender is greater than the local primary
// IP Address, then: o Cancel Adver_Timer o Set Master_Down_Timer to Master_Down_Interval o Transition to the {Backup} state"
// (section 6.4.3)
func TestRule70_72_74_MasterYields(t *testing.T) {
	tests := []struct {
		name     string
		set      func(*Config)
		priority uint8
		from     netip.Addr
	}{
		{"rule 70 higher priority", nil, 101, lower},
		{"rule 70 equal priority, higher address", nil, 100, above},
		{"rule 72 addresses compare as numbers, not as text", nil, 100, netip.MustParseAddr("10.0.0.40")},
		{"rule 74 preempt false", noPreempt, 101, lower},
		{"two owners, higher address", owner, 255, above},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := master(t, func(c *Config) {
				if tt.set != nil {
					tt.set(c)
				}
				if c.Priority == PriorityOwner {
					c.Priority = 254 // to start as backup
				}
			})
			if tt.priority == PriorityOwner {
				cfg := b.m.Config()
				cfg.Priority = PriorityOwner
				b.do(ConfigChanged{cfg})
			}
			own := b.m.Priority()
			b.want(b.hear(tt.priority, tt.from), "release, MASTER>BACKUP")
			if b.m.Beating() {
				t.Error("somebody else may still beat")
			}
			if want := b.now.Add(b.m.MasterDownInterval()); !b.m.downAt.Equal(want) {
				t.Errorf("master down timer at %v, want %v", b.m.downAt, want)
			}
			// The winner announces when it hears the loser's own priority.
			b.want(b.after(50*time.Millisecond).do(AddressesReleased{}), fmt.Sprintf("send %d", own))
			b.want(b.do(AddressesReleased{}), "")
		})
	}
}

func TestRule70_AfterYielding(t *testing.T) {
	yielded := func(t *testing.T) *bench {
		b := master(t, nil)
		b.want(b.hear(200, above), "release, MASTER>BACKUP")
		return b
	}
	t.Run("the parting advert has the priority that lost", func(t *testing.T) {
		b := yielded(t)
		b.do(PriorityChanged{250}) // would throw the winner out
		b.want(b.do(AddressesReleased{}), "send 100")
	})
	t.Run("a release that hangs ends without it", func(t *testing.T) {
		b := yielded(t)
		b.want(b.after(ReleaseTimeout).do(Tick{}), "")
		b.want(b.do(AddressesReleased{}), "")
	})
	t.Run("a new term waits for no old release", func(t *testing.T) {
		b := yielded(t)
		b.hear(0, above)
		b.want(b.after(skew100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
		b.want(b.do(AddressesReleased{}), "")
		b.want(b.do(AddressesReady{}), "")
		b.due(time.Second)
	})
	t.Run("the answers of an old term are none to a new one", func(t *testing.T) {
		b := backup(t, nil)
		b.want(b.after(down100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
		b.want(b.hear(200, above), "release, MASTER>BACKUP")
		b.hear(0, above)
		b.want(b.after(skew100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
		for _, tt := range []struct {
			answer Event
			want   Holding
		}{{AddressesReady{}, HoldingAcquiring}, {AddressesReleased{}, HoldingAcquiring}, {AddressesReady{}, HoldingHeld}} {
			b.want(b.do(tt.answer), "")
			if got := b.m.status().Addresses; got != tt.want {
				t.Errorf("after %T: addresses %v, want %v", tt.answer, got, tt.want)
			}
		}
	})
	t.Run("the answer to an old release is none to a new one", func(t *testing.T) {
		b := yielded(t)
		b.hear(0, above)
		b.want(b.after(skew100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
		b.want(b.do(Shutdown{}), "release")
		b.want(b.do(AddressesReleased{}), "")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>INIT")
	})
	t.Run("a shutdown waits for the release", func(t *testing.T) {
		b := yielded(t)
		b.want(b.do(Shutdown{}), "")
		b.want(b.hear(0, above), "")
		b.want(b.after(skew100).do(Tick{}), "")
		b.want(b.do(AddressesReleased{}), "send 100, BACKUP>INIT")
	})
	t.Run("a fault does not forget the parting advert", func(t *testing.T) {
		b := yielded(t)
		b.want(b.do(FaultChanged{[]string{"check_app failed"}}), "BACKUP>FAULT")
		b.want(b.do(AddressesReleased{}), "send 100")
	})
}

// Rule 71 as RFC 9568 section 6.4.3 has it: a master that hears a lower router answers at once. Rule 75: and it announces,
// for the other one may have announced itself.
func TestRule71_75_MasterAnswersLower(t *testing.T) {
	for _, tt := range []struct {
		name     string
		priority uint8
		from     netip.Addr
	}{
		{"lower priority", 99, above},
		{"rule 72 equal priority, lower address", 100, lower},
		{"rule 72 10.0.0.5 is above 10.0.0.4, and 9.255.255.255 below", 100, netip.MustParseAddr("9.255.255.255")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := master(t, nil)
			b.after(400 * time.Millisecond)
			b.want(b.hear(tt.priority, tt.from), "send 100, announce")
			b.due(600 * time.Millisecond)
		})
	}
}

// Rule 55: a change of the priority in Backup moves the running timer by the difference of the intervals.
func TestRule55_PriorityMovesTheDownTimer(t *testing.T) {
	b := backup(t, nil)
	b.after(time.Second)
	b.want(b.do(PriorityChanged{228}), "") // 128/256 s less
	b.due(down100 - time.Second - 500*time.Millisecond)
	b.do(PriorityChanged{100})
	b.due(down100 - time.Second)
	t.Run("also after priority 0", func(t *testing.T) {
		b.hear(0, above)
		b.do(PriorityChanged{228})
		b.due(skew100 - 500*time.Millisecond)
	})
	t.Run("into the past: at once", func(t *testing.T) {
		b := backup(t, nil)
		b.after(down100 - 100*time.Millisecond)
		b.do(PriorityChanged{254})
		b.want(b.do(Tick{}), "send 254, acquire, BACKUP>MASTER")
	})
}

// A cable that is silently dead cuts a master off: its servers are gone for it, and its priority falls. Once they are back
// the other master has to hear of it before it fights for the addresses, and the neighbours have to learn anew who has
// them, for a Keepalived that yields says nothing.
func TestMasterThatRecoversAnnounces(t *testing.T) {
	b := master(t, nil)
	b.want(b.do(PriorityChanged{70}), "")
	b.want(b.do(PriorityChanged{70}), "")
	b.want(b.do(PriorityChanged{100}), "send 100, announce")
	t.Run("not while it resigns", func(t *testing.T) {
		b := master(t, nil)
		b.do(PriorityChanged{70})
		b.hear(100, above)
		b.want(b.do(PriorityChanged{100}), "")
	})
	t.Run("not as backup", func(t *testing.T) {
		b := backup(t, nil)
		b.want(b.do(PriorityChanged{200}), "")
	})
	t.Run("an owner has nothing to recover from", func(t *testing.T) {
		b := newBench(t, owner)
		b.do(Startup{})
		b.want(b.do(PriorityChanged{200}), "")
	})
}

// Rule 24: trackers move a priority within 1 to 254, and never an owner's.
func TestRule24_TrackersKeepWithinBounds(t *testing.T) {
	b := backup(t, nil)
	for _, tt := range []struct{ set, want uint8 }{{0, 1}, {255, 254}, {77, 77}} {
		b.do(PriorityChanged{tt.set})
		if got := b.m.Priority(); got != tt.want {
			t.Errorf("set %d: got %d, want %d", tt.set, got, tt.want)
		}
	}
	b = newBench(t, owner)
	b.do(PriorityChanged{10})
	if got := b.m.Priority(); got != PriorityOwner {
		t.Errorf("owner: got %d, want 255", got)
	}
}

func TestMasterAdvertisesItsChangedPriority(t *testing.T) {
	b := master(t, nil)
	b.want(b.do(PriorityChanged{80}), "")
	b.want(b.after(time.Second).do(Tick{}), "beat 80")
}

// Rule 58: the machine only ever compares the times it is given, and theirs is the monotonic reading; a wall clock that is
// set does not reach it.
func TestRule58_WallClockDoesNotMatter(t *testing.T) {
	b := backup(t, nil)
	b.now = time.Now() // with a monotonic reading
	b.hear(200, above)
	deadline := b.m.Deadline()
	if !strings.Contains(deadline.String(), "m=+") {
		t.Errorf("deadline %v has lost the monotonic reading", deadline)
	}
}

// Rule 78: FAULT as Keepalived has it: priority 0 on the way from Master, and Backup with a full down timer on the way out.
func TestRule78_Fault(t *testing.T) {
	t.Run("from Master", func(t *testing.T) {
		b := master(t, nil)
		b.want(b.do(FaultChanged{[]string{"eth0 is down", "check_app failed"}}), "release")
		got := b.do(AddressesReleased{})
		b.want(got, "send 0, MASTER>FAULT")
		if reason := got[1].(Transition).Reason; reason != "eth0 is down; check_app failed" {
			t.Errorf("got reason %q", reason)
		}
		b.due(0)
		b.want(b.hear(50, above), "")
		b.want(b.after(time.Hour).do(Tick{}), "")
		b.want(b.do(FaultChanged{}), "FAULT>BACKUP")
		b.due(down100)
	})
	t.Run("from Backup", func(t *testing.T) {
		b := backup(t, nil)
		b.want(b.do(FaultChanged{[]string{"eth0 is down"}}), "BACKUP>FAULT")
		b.due(0)
		b.want(b.do(FaultChanged{[]string{"another one"}}), "")
		b.want(b.do(FaultChanged{}), "FAULT>BACKUP")
	})
	t.Run("at the start", func(t *testing.T) {
		b := newBench(t, owner)
		b.do(FaultChanged{[]string{"eth0 is down"}})
		b.want(b.do(Startup{}), "INIT>FAULT")
		b.want(b.do(Shutdown{}), "FAULT>INIT")
	})
	t.Run("a master that yields during a fault goes there", func(t *testing.T) {
		b := master(t, nil)
		b.want(b.do(FaultChanged{[]string{"check_app failed"}}), "release")
		b.want(b.hear(200, above), "MASTER>FAULT")
		b.want(b.do(AddressesReleased{}), "send 100")
	})
	t.Run("an interface without an address", func(t *testing.T) {
		b := master(t, nil)
		b.want(b.do(SourceChanged{}), "release")
		got := b.do(AddressesReleased{})
		b.want(got, "send 0, MASTER>FAULT")
		if reason := got[1].(Transition).Reason; reason != "interface eth0 has no address to send from" {
			t.Errorf("got reason %q", reason)
		}
		if b.m.Source() != self {
			t.Errorf("the farewell is sent from %v, want %v", b.m.Source(), self)
		}
		b.want(b.do(SourceChanged{above}), "FAULT>BACKUP")
	})
	t.Run("no address from the start", func(t *testing.T) {
		m := NewMachine(testConfig())
		if got := short(m.Step(simEpoch, Startup{}, nil)); got != "INIT>FAULT" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAddressFailed(t *testing.T) {
	b := master(t, nil)
	wait := firstRetry
	for _, want := range []time.Duration{2, 4, 8, 16, 32, 64, 64} {
		if wait = want * time.Second; b.m.State() != Master {
			t.Fatalf("state %v", b.m.State())
		}
		b.want(b.do(AddressFailed{errors.New("add 10.0.0.100/32 to eth0: no buffer space")}), "release")
		got := b.do(AddressesReleased{})
		b.want(got, "send 0, MASTER>FAULT")
		if reason := got[1].(Transition).Reason; reason != "add 10.0.0.100/32 to eth0: no buffer space" {
			t.Errorf("got reason %q", reason)
		}
		b.due(wait)
		b.want(b.after(wait).do(Tick{}), "FAULT>BACKUP")
		b.now = b.m.Deadline()
		b.want(b.do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	}
	t.Run("success begins the count anew", func(t *testing.T) {
		b.do(AddressesReady{})
		b.do(AddressFailed{errors.New("lost")})
		b.do(AddressesReleased{})
		b.due(firstRetry)
	})
	t.Run("a shutdown ends the waiting", func(t *testing.T) {
		b := master(t, nil)
		b.do(AddressFailed{errors.New("lost")})
		b.do(AddressesReleased{})
		b.want(b.do(Shutdown{}), "FAULT>INIT")
		b.due(0)
	})
	t.Run("it does not concern a backup", func(t *testing.T) {
		b := backup(t, nil)
		b.want(b.do(AddressFailed{errors.New("late")}), "")
		b.state(Backup)
	})
}

// Our choice on preempt: false concerns failback; a master that gets worse is replaced.
func TestNoPreempt(t *testing.T) {
	takesOver := func(b *bench) bool { // when the present master goes on as it did last
		b.t.Helper()
		last := b.m.peer.priority
		for range 5 {
			b.after(time.Second)
			if b.hear(last, above); !b.m.Deadline().After(b.now.Add(900 * time.Millisecond)) {
				b.now = b.m.Deadline()
				return short(b.do(Tick{})) == fmt.Sprintf("send %d, acquire, BACKUP>MASTER", b.m.Priority())
			}
		}
		return false
	}
	tests := []struct {
		name   string
		script func(b *bench)
		want   bool
	}{
		{"a master that always was lower is left alone", func(b *bench) { b.hear(90, above); b.hear(90, above) }, false},
		{"a master that fell below is replaced", func(b *bench) { b.hear(120, above); b.hear(90, above) }, true},
		{"a master that fell but stays above is left alone", func(b *bench) { b.hear(120, above); b.hear(110, above) }, false},
		{"a lower master that fell further is replaced", func(b *bench) { b.hear(90, above); b.hear(70, above) }, true},
		{"a master that recovered is left alone", func(b *bench) { b.hear(90, above); b.hear(70, above); b.hear(90, above) }, false},
		{"equally sick: nothing moves", func(b *bench) { b.hear(120, above); b.do(PriorityChanged{80}); b.hear(80, above) }, false},
		{"another master has a term of its own", func(b *bench) { b.hear(120, lower); b.hear(90, above) }, false},
		{"own recovery is no reason", func(b *bench) { b.do(PriorityChanged{60}); b.hear(90, above); b.do(PriorityChanged{100}) }, false},
		{"priority 0 ends the term", func(b *bench) { b.hear(120, above); b.hear(0, above); b.hear(90, above) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := backup(t, noPreempt)
			tt.script(b)
			if got := takesOver(b); got != tt.want {
				t.Errorf("takes over: got %v, want %v", got, tt.want)
			}
		})
	}
	t.Run("a silent master is replaced", func(t *testing.T) {
		b := backup(t, noPreempt)
		b.hear(90, above)
		b.want(b.after(down100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
}

func TestHoldPreempt(t *testing.T) {
	held := func(t *testing.T) *bench {
		b := backup(t, nil)
		b.want(b.do(HoldPreempt{[]string{"backend web has no healthy server"}}), "")
		return b
	}
	t.Run("a live master of lower priority is left alone", func(t *testing.T) {
		b := held(t)
		b.after(time.Second)
		b.hear(50, above)
		b.due(down100)
	})
	t.Run("also one that fell", func(t *testing.T) {
		b := held(t)
		b.hear(200, above)
		b.after(time.Second)
		b.hear(50, above)
		b.due(down100)
	})
	t.Run("a silent one is replaced", func(t *testing.T) {
		b := held(t)
		b.hear(50, above)
		b.want(b.after(down100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
	t.Run("afterwards it preempts", func(t *testing.T) {
		b := held(t)
		b.hear(50, above)
		b.do(HoldPreempt{})
		b.after(time.Second)
		b.hear(50, above)
		b.due(down100 - time.Second)
	})
}

func TestOverslept(t *testing.T) {
	t.Run("a master steps down before it speaks, and parts in silence", func(t *testing.T) {
		b := master(t, nil)
		b.after(10 * time.Second)
		b.want(b.do(Overslept{10 * time.Second}), "release, MASTER>BACKUP")
		b.want(b.do(Tick{}), "")
		b.want(b.do(AddressesReleased{}), "")
		b.due(down100)
	})
	t.Run("a new term has heard nothing of the old one", func(t *testing.T) {
		b := backup(t, nil)
		b.hear(0, above)
		b.now = b.m.Deadline()
		b.do(Tick{})
		b.after(time.Minute).do(Overslept{time.Minute})
		b.now = b.m.Deadline()
		b.do(AddressesReleased{})
		got := b.after(down100).do(Tick{})
		if reason := got[len(got)-1].(Transition).Reason; reason != "no master heard" {
			t.Errorf("got reason %q", reason)
		}
	})
	t.Run("a backup listens before it takes over", func(t *testing.T) {
		b := backup(t, nil)
		b.after(10 * time.Second)
		b.want(b.do(Overslept{10 * time.Second}), "")
		b.want(b.do(Tick{}), "")
		b.due(down100)
	})
	t.Run("a backup on a busy host believes silence at last", func(t *testing.T) {
		b := backup(t, nil)
		b.after(10 * time.Second)
		b.want(b.do(Overslept{10 * time.Second}), "")
		b.due(down100)
		b.after(5 * time.Second)
		b.want(b.do(Overslept{5 * time.Second}), "")
		b.want(b.do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
	t.Run("so does another term", func(t *testing.T) {
		b := backup(t, nil)
		b.after(10 * time.Second)
		b.do(Overslept{10 * time.Second})
		b.do(FaultChanged{[]string{"eth0 is down"}})
		b.do(FaultChanged{})
		b.after(10 * time.Second)
		b.do(Overslept{10 * time.Second})
		b.due(down100)
	})
	t.Run("what it hears makes it patient again", func(t *testing.T) {
		b := backup(t, nil)
		b.after(10 * time.Second)
		b.do(Overslept{10 * time.Second})
		b.hear(200, above)
		b.after(5 * time.Second)
		b.do(Overslept{5 * time.Second})
		b.want(b.do(Tick{}), "")
		b.due(down100)
	})
	t.Run("nothing else cares", func(t *testing.T) {
		b := newBench(t, nil)
		b.want(b.do(Overslept{time.Minute}), "")
		b.due(0)
	})
}

// A node has lost touch only when it both slept and, as master, was not heard.
func TestLostTouch(t *testing.T) {
	const second, minute = time.Second, time.Minute // shorter and longer than down100
	for _, tt := range []struct {
		name          string
		state         State
		slept, silent time.Duration
		want          bool
	}{
		{"a master slept and was silent: a suspended host, or no keeper", Master, minute, minute, true},
		{"a master slept while its keeper spoke", Master, minute, second, false},
		{"a master was awake while its adverts were late", Master, second, minute, false},
		{"a master that is on time", Master, second, second, false},
		{"just the down interval", Master, down100, down100, false},
		{"just above", Master, down100 + 1, down100 + 1, true},
		{"a backup slept", Backup, minute, 0, true},
		{"a backup was awake", Backup, second, minute, false},
		{"who is in FAULT has nothing to lose", Fault, minute, minute, false},
		{"nor who has not begun", Initialize, minute, minute, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := NewMachine(testConfig())
			m.state = tt.state
			if got := m.lostTouch(tt.slept, tt.silent); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestReload(t *testing.T) {
	t.Run("of nothing emits nothing and moves no timer", func(t *testing.T) {
		for _, b := range []*bench{backup(t, nil), master(t, nil)} {
			b.do(PriorityChanged{80})
			b.after(300 * time.Millisecond)
			state, deadline, epoch := b.m.State(), b.m.Deadline(), b.m.epoch
			b.want(b.do(ConfigChanged{testConfig()}), "")
			if b.m.State() != state || !b.m.Deadline().Equal(deadline) || b.m.epoch != epoch || b.m.Priority() != 80 {
				t.Errorf("%v: something changed", state)
			}
		}
	})
	t.Run("of the priority keeps what the trackers made of it", func(t *testing.T) {
		b := backup(t, nil)
		b.do(PriorityChanged{80})
		cfg := testConfig()
		cfg.Priority = 120
		b.do(ConfigChanged{cfg})
		if got := b.m.Priority(); got != 100 {
			t.Errorf("got %d, want 100", got)
		}
		b.due(down100)
	})
	t.Run("to owner and back", func(t *testing.T) {
		b := backup(t, nil)
		b.do(PriorityChanged{80})
		cfg := testConfig()
		cfg.Priority = PriorityOwner
		b.do(ConfigChanged{cfg})
		if got := b.m.Priority(); got != PriorityOwner {
			t.Errorf("got %d, want 255", got)
		}
		b.do(ConfigChanged{testConfig()})
		if got := b.m.Priority(); got != 100 {
			t.Errorf("got %d, want 100", got)
		}
	})
	t.Run("of addresses, password and interval reaches the next advert", func(t *testing.T) {
		b := master(t, func(c *Config) { c.AdvertInterval = 4 * time.Second })
		cfg := testConfig()
		cfg.Addresses = addrs("10.0.0.100", "10.0.0.101")
		cfg.Auth = Auth{AuthPass, "secret"}
		b.want(b.do(ConfigChanged{cfg}), "")
		b.state(Master)
		b.due(time.Second)
		ad := b.after(time.Second).do(Tick{})[0].(SendAdvert).Advert
		if !slices.Equal(ad.Addresses, cfg.Addresses) || ad.AuthData != cfg.Auth.data() || ad.Interval != time.Second {
			t.Errorf("got %+v", ad)
		}
	})
	t.Run("of the interval moves a backup's timer", func(t *testing.T) {
		b := backup(t, nil)
		b.after(time.Second)
		cfg := testConfig()
		cfg.AdvertInterval = 2 * time.Second
		b.do(ConfigChanged{cfg})
		b.due(down100 - time.Second + 3*time.Second)
	})
	t.Run("does not share the caller's addresses", func(t *testing.T) {
		cfg := testConfig()
		m := NewMachine(cfg)
		cfg.Addresses[0] = lower
		if got := m.Advert().Addresses[0]; got == lower {
			t.Error("the caller's change reached the machine")
		}
	})
	t.Run("never makes another router of it", func(t *testing.T) {
		b := backup(t, nil)
		cfg := testConfig()
		cfg.VRID, cfg.Interface = 7, "eth1"
		six(&cfg)
		b.do(ConfigChanged{cfg})
		if got := b.m.Config(); got.VRID != 51 || got.Interface != "eth0" || got.Version != V2 || got.Family() != IPv4 {
			t.Errorf("got VRID %d on %s, version %d, %v", got.VRID, got.Interface, got.Version, got.Family())
		}
	})
}

func TestStatus(t *testing.T) {
	b := backup(t, nil)
	b.do(HoldPreempt{[]string{"warming up"}})
	b.hear(200, above)
	s := b.m.status()
	if s.State != Backup || s.Master.Address != above || s.Master.Priority != 200 || s.Master.Interval != time.Second ||
		!s.Master.Heard.Equal(b.now) || !s.MasterDownDue.Equal(b.now.Add(down100)) || s.Source != self ||
		!slices.Equal(s.Holds, []string{"warming up"}) || s.Reason != "started" || s.Epoch != 1 || s.Addresses != HoldingNone {
		t.Errorf("got %+v", s)
	}
	b.do(SourceChanged{})
	if s := b.m.status(); s.Source.IsValid() || s.State != Fault || len(s.Faults) != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestStatesAreNamed(t *testing.T) {
	for s, want := range map[State]string{Initialize: "INIT", Backup: "BACKUP", Master: "MASTER", Fault: "FAULT"} {
		if got := s.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// In the steady state neither a backup that hears its master nor a master that beats allocates.
func TestStepDoesNotAllocate(t *testing.T) {
	out := make([]Action, 0, 8)
	b := backup(t, nil)
	ad := b.m.Advert()
	ad.Priority = 200
	now := b.now
	if n := testing.AllocsPerRun(100, func() { out = b.m.Step(now, AdvertReceived{Advert: ad, From: above}, out[:0]) }); n != 0 {
		t.Errorf("backup: got %v allocations, want 0", n)
	}
	b = master(t, nil)
	now = b.now
	if n := testing.AllocsPerRun(100, func() {
		now = now.Add(time.Second)
		if out = b.m.Step(now, Tick{}, out[:0]); len(out) != 1 {
			t.Fatal(short(out))
		}
	}); n != 0 {
		t.Errorf("master: got %v allocations, want 0", n)
	}
}

func BenchmarkStep(b *testing.B) {
	m := NewMachine(testConfig())
	m.Step(simEpoch, SourceChanged{self}, nil)
	m.Step(simEpoch, Startup{}, nil)
	ad := m.Advert()
	ad.Priority = 200
	out := make([]Action, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		out = m.Step(simEpoch, AdvertReceived{Advert: ad, From: above}, out[:0])
	}
}
