package vip_test

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vip/viptest"
)

// TestContestIsBounded: 20,000 claims a second by ever new MACs are one answer and one line of log a second.
func TestContestIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := viptest.NewKernel("v0")
		var out bytes.Buffer
		s, err := vip.New(config(1), k, k, hclog.New(&hclog.LoggerOptions{Output: &out}))
		if err != nil {
			t.Fatal(err)
		}
		s.Listener = k
		stop := viptest.Go(t, s.Run)
		epoch := time.Now()
		mustAcquire(t, s)
		for i := range 40_000 {
			time.Sleep(50 * time.Microsecond)
			if err := k.Claim("v0", address("10.77.0.100/32").Prefix.Addr(), net.HardwareAddr{2, 0xdd, 0, 0, byte(i >> 8), byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Second)
		stop()
		const first = 50*time.Microsecond + 50*time.Millisecond // each claim waits for its answer
		var want []time.Duration
		for second := range 3 {
			want = append(want, answer(first+time.Duration(second)*time.Second)...)
		}
		wantAges(t, k, epoch, want...)
		if got := strings.Count(out.String(), "somebody else claims"); got < 1 || got > 3 {
			t.Errorf("got %d lines of log, want about one a second:\n%s", got, out.String())
		}
		if want := "mac=02:dd:00:00:00:00"; !strings.Contains(out.String(), want) {
			t.Errorf("got no %q in the log, want the first claimant's address as people write it:\n%s", want, out.String())
		}
		if got := s.Status().ForeignClaims; got != 40_000 {
			t.Errorf("got %d claims counted, want 40000", got)
		}
	})
}

// TestClaimOfTheNextHolderIsNotAnswered: FRRouting claims the address half a millisecond before the advert by which we lose
// it. Answered at once that claim was overwritten, and clients kept to us for as long as their ARP entry lived.
func TestClaimOfTheNextHolderIsNotAnswered(t *testing.T) {
	own, virtual := net.HardwareAddr{2, 0xdd, 0, 0, 0, 1}, net.HardwareAddr{0, 0, 0x5e, 0, 2, 51}
	const ms = time.Millisecond
	for _, tt := range []struct {
		name   string
		mac    net.HardwareAddr
		yields time.Duration   // after the claim; 0: not
		first  []time.Duration // announcements, from the claim on
	}{
		{"an advert follows and the address is given up", own, ms, nil},
		{"nothing follows", own, 0, []time.Duration{50 * ms, 60 * ms, 80 * ms}},
		{"a virtual router, whose advert follows an interval later", virtual, 1001 * ms, nil},
		{"a virtual router, and nothing follows", virtual, 0, []time.Duration{1500 * ms, 1510 * ms, 1530 * ms}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := viptest.NewKernel("v0")
				s, err := vip.New(config(1), k, k, nil)
				if err != nil {
					t.Fatal(err)
				}
				s.Listener = k
				viptest.Go(t, s.Run)
				mustAcquire(t, s)
				claimed := time.Now()
				if err := k.Claim("v0", address("10.77.0.100/32").Prefix.Addr(), tt.mac); err != nil {
					t.Fatal(err)
				}
				if tt.yields > 0 {
					time.Sleep(tt.yields)
					if err := s.Release(t.Context()); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Minute)
				} else {
					time.Sleep(tt.first[len(tt.first)-1] + ms)
				}
				wantAges(t, k, claimed, tt.first...)
			})
		})
	}
}

// TestContestFollowsReload: a reload changes for which addresses claims are heard, and Release ends it.
func TestContestFollowsReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := viptest.NewKernel("v0")
		s, err := vip.New(config(1), k, k, nil)
		if err != nil {
			t.Fatal(err)
		}
		var told []string // written by Claim's caller, which is this goroutine
		s.Listener = k
		s.Contested = func(c vip.Claim) { told = append(told, c.Addr.String()) }
		viptest.Go(t, s.Run)
		claimAll := func() (heard string) {
			t.Helper()
			told = nil
			for _, a := range config(3).Addresses {
				if err := k.Claim("v0", a.Prefix.Addr(), net.HardwareAddr{2, 0xdd, 0, 0, 0, 1}); err != nil {
					t.Fatal(err)
				}
			}
			return strings.Join(told, " ")
		}
		for _, step := range []struct {
			name string
			do   func() error
			want string
		}{
			{"before Acquire", func() error { return nil }, ""},
			{"held", func() error { return s.Acquire(t.Context()) }, "10.77.0.100"},
			{"acquired again", func() error { return s.Acquire(t.Context()) }, "10.77.0.100"},
			{"after a reload", func() error {
				cfg := config(3)
				cfg.Addresses = cfg.Addresses[1:]
				return s.Apply(t.Context(), cfg)
			}, "10.77.0.101 10.77.0.102"},
			{"released", func() error { return s.Release(t.Context()) }, ""},
			{"reloaded while released", func() error { return s.Apply(t.Context(), config(1)) }, ""},
			{"held again", func() error { return s.Acquire(t.Context()) }, "10.77.0.100"},
		} {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			if got := claimAll(); got != step.want {
				t.Errorf("%s: got claims to %q told, want %q", step.name, got, step.want)
			}
			for _, a := range config(3).Addresses {
				addr := a.Prefix.Addr()
				if got, want := k.Listened(addr), slices.Contains(strings.Fields(step.want), addr.String()); got != want {
					t.Errorf("%s: got %v listened for: %v, want %v", step.name, addr, got, want)
				}
			}
		}
	})
}

// lateListener goes on telling after it was cancelled, as one that was just about to may.
type lateListener struct{ heard func(vip.Claim) }

func (l *lateListener) Listen(_ []vip.Address, heard func(vip.Claim)) (cancel func()) {
	l.heard = heard
	return func() {}
}

// TestLateClaimIsNoContest: what is heard after Release concerns us no more.
func TestLateClaimIsNoContest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, l := viptest.NewKernel("v0"), &lateListener{}
		s, err := vip.New(config(1), k, k, nil)
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		s.Listener = l
		s.Contested = func(vip.Claim) { told++ }
		viptest.Go(t, s.Run)
		mustAcquire(t, s)
		claim := vip.Claim{Interface: "v0", Addr: address("10.77.0.100/32").Prefix.Addr(), MAC: net.HardwareAddr{2, 0xdd, 0, 0, 0, 1}}
		l.heard(claim)
		if err := s.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.heard(claim)
		if got := s.Status().ForeignClaims; got != 1 || told != 1 {
			t.Errorf("got %d claims counted and %d told, want the one while held", got, told)
		}
	})
}

// TestDuplicateIsMendedAtOnce: an address that is silenced under our eyes; and who silences it again and again is no
// busy loop.
func TestDuplicateIsMendedAtOnce(t *testing.T) {
	cfg := config(0)
	cfg.Addresses = []vip.Address{address("fd00:77::100/64")}
	cfg.Lease = time.Hour
	p := cfg.Addresses[0].Prefix
	inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		epoch := time.Now()
		mustAcquire(t, s)
		for range 4 {
			if err := k.FailDAD("v0", p); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if got := s.Status(); got.DADFailures != 1 || got.Addresses[0].Err == nil ||
			got.Addresses[0].Err.Error() != "the kernel does not answer for it: duplicate address detection" {
			t.Errorf("got %+v, want one mended at once, and the rest told as error", got)
		}
		wantAges(t, k, epoch, 0, 0)
		time.Sleep(time.Second)
		synctest.Wait()
		if list := addresses(k); len(list) != 1 || list[0].Tentative || !list[0].Leased {
			t.Errorf("got %+v, want it mended for good", list)
		}
		if got := s.Status(); got.DADFailures != 2 || got.ForeignDeletions != 0 || got.Renewals != 0 || got.Addresses[0].Err != nil {
			t.Errorf("got %+v, want 2 mended", got)
		}
	})
}

// TestDuplicateThatCannotBeMended is tried again until it can.
func TestDuplicateThatCannotBeMended(t *testing.T) {
	cfg := config(0)
	cfg.Addresses = []vip.Address{address("fd00:77::100/64")}
	inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		mustAcquire(t, s)
		broken := errors.New("no buffer space available")
		k.Fail(viptest.OpDelete, broken)
		if err := k.FailDAD("v0", cfg.Addresses[0].Prefix); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if a := s.Status().Addresses[0]; !errors.Is(a.Err, broken) {
			t.Errorf("got error %v, want %v", a.Err, broken)
		}
		k.Fail(viptest.OpDelete, nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if list := addresses(k); len(list) != 1 || list[0].Tentative || s.Status().Addresses[0].Err != nil {
			t.Errorf("got %+v and %+v, want it mended", list, s.Status().Addresses[0])
		}
	})
}
