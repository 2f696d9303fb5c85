package vip_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vip/viptest"
)

// ages returns how old the test was at each announcement.
func ages(k *viptest.Kernel, epoch time.Time) []time.Duration {
	var got []time.Duration
	for _, a := range k.Announced() {
		got = append(got, a.At.Sub(epoch))
	}
	return got
}

func wantAges(t *testing.T, k *viptest.Kernel, epoch time.Time, want ...time.Duration) {
	t.Helper()
	if got := ages(k, epoch); !slices.Equal(got, want) {
		t.Errorf("got announcements at %v, want %v", got, want)
	}
}

// TestRule88And90Bursts: at takeover, once more after 5 s, and a refresh every 30 s, with no settings given.
func TestRule88And90Bursts(t *testing.T) {
	cfg := config(1)
	cfg.GARP = vip.GARP{}
	inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		epoch := time.Now()
		mustAcquire(t, s)
		s.Announce()
		time.Sleep(61 * time.Second)
		synctest.Wait()
		const d = 5 * time.Second
		wantAges(t, k, epoch, 0, 0, 0, 0, 0, d, d, d, d, d, 30*time.Second, 60*time.Second)
		if got := s.Status().Announcements; got != 12 {
			t.Errorf("got %d announcements counted, want 12", got)
		}
	})
}

// answer are the ages of the announcements of one address that answer a sign of another holder.
func answer(start time.Duration) []time.Duration {
	ages := []time.Duration{start, start + 10*time.Millisecond, start + 30*time.Millisecond}
	for round := range 9 {
		ages = append(ages, start+time.Duration(round+1)*100*time.Millisecond)
	}
	return ages
}

func TestAnswersAreLimited(t *testing.T) {
	inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		epoch := time.Now()
		mustAcquire(t, s)
		for range 25 {
			s.Answer()
			time.Sleep(90 * time.Millisecond) // never when the next answer begins: which of the two came first is open then
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		var want []time.Duration
		for _, start := range []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second} {
			want = append(want, answer(start)...)
		}
		for sign := range 24 { // the first one began an answer
			want = append(want, time.Duration(sign+1)*90*time.Millisecond)
		}
		slices.Sort(want)
		wantAges(t, k, epoch, want...)
	})
}

// TestPacing: two instances on one interface share the least time between announcements there.
func TestPacing(t *testing.T) {
	cfg := config(2)
	cfg.GARP = vip.GARP{Repeat: 2, Delay: time.Hour, Refresh: -1, Interval: 10 * time.Millisecond}
	inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		other := cfg
		other.Addresses = []vip.Address{address("10.78.0.100/32")}
		s2, err := vip.New(other, k, k, nil)
		if err != nil {
			t.Fatal(err)
		}
		viptest.Go(t, s2.Run)
		epoch := time.Now()
		for _, s := range []*vip.Set{s, s2} {
			mustAcquire(t, s)
			s.Announce()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		const d = 10 * time.Millisecond
		wantAges(t, k, epoch, 0, d, 2*d, 3*d, 4*d, 5*d)
		for _, a := range append(cfg.Addresses, other.Addresses...) {
			sent := 0
			for _, got := range k.Announced() {
				if got.Addr == a.Prefix.Addr() {
					sent++
				}
			}
			if sent != 2 {
				t.Errorf("%v: got %d announcements, want 2", a.Prefix, sent)
			}
		}
	})
}

// TestReleaseCancelsAnnouncements: none is sent after Release, not of a paced burst, the second one or a refresh.
func TestReleaseCancelsAnnouncements(t *testing.T) {
	cfg := config(3)
	cfg.GARP = vip.GARP{Repeat: 5, Interval: 10 * time.Millisecond}
	inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		epoch := time.Now()
		mustAcquire(t, s)
		s.Announce()
		time.Sleep(15 * time.Millisecond)
		s.Answer()
		if err := s.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Announce()
		s.Answer()
		time.Sleep(time.Minute)
		synctest.Wait()
		wantAges(t, k, epoch, 0, 10*time.Millisecond)
	})
}

func TestAnnounceBeforeAcquire(t *testing.T) {
	inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		s.Announce()
		s.Answer()
		time.Sleep(time.Minute)
		mustAcquire(t, s)
		time.Sleep(time.Minute)
		synctest.Wait()
		wantAges(t, k, time.Now())
	})
}

// TestFailedAnnouncementIsMadeGood: an interface that is not up yet gets its burst when it is.
func TestFailedAnnouncementIsMadeGood(t *testing.T) {
	cfg := config(1)
	cfg.GARP = vip.GARP{Repeat: 1, Delay: time.Hour, Refresh: -1}
	inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		epoch := time.Now()
		k.Fail(viptest.OpAnnounce, errors.New("network is down"))
		mustAcquire(t, s)
		s.Announce()
		time.Sleep(2500 * time.Millisecond)
		k.Fail(viptest.OpAnnounce, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		wantAges(t, k, epoch, 3*time.Second)
		if got := s.Status(); got.AnnounceErrors != 3 || got.Announcements != 1 {
			t.Errorf("got %+v, want 3 announcements failed and 1 sent", got.Counters)
		}
	})
}

// TestRule91AbsentIsNotAnnounced: the VIP is in place before its first GARP; what could not be put back is left out.
func TestRule91AbsentIsNotAnnounced(t *testing.T) {
	inBubble(t, config(2), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		mustAcquire(t, s)
		k.Fail(viptest.OpAdd, errors.New("no buffer space available"))
		if err := k.DeleteAddress("v0", address("10.77.0.100/32").Prefix); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.Announce()
		synctest.Wait()
		for _, a := range k.Announced() {
			if a.Addr != address("10.77.0.101/32").Prefix.Addr() {
				t.Errorf("%v was announced, want only 10.77.0.101", a.Addr)
			}
		}
		if got := s.Status().Announcements; got != 2 {
			t.Errorf("got %d announcements, want 2", got)
		}
	})
}
