package vrrp

import (
	"fmt"
	"net/netip"
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
