package vip_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vip/viptest"
)

func TestApplyNoChange(t *testing.T) {
	inBubble(t, config(2), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		mustAcquire(t, s)
		before := k.Calls(viptest.OpAdd) + k.Calls(viptest.OpRenew) + k.Calls(viptest.OpAddresses)
		same := config(2)
		same.GARP = vip.GARP{Repeat: 2, Delay: 5 * time.Second} // what the defaults are
		if err := s.Apply(t.Context(), same); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		after := k.Calls(viptest.OpAdd) + k.Calls(viptest.OpRenew) + k.Calls(viptest.OpAddresses)
		if after != before || len(k.Announced()) != 0 {
			t.Errorf("got %d kernel calls and %d announcements, want none", after-before, len(k.Announced()))
		}
	})
}

func TestApplyWhileReleased(t *testing.T) {
	inBubble(t, config(2), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		if err := s.Apply(t.Context(), config(3)); err != nil {
			t.Fatal(err)
		}
		if list := addresses(k); len(list) != 0 {
			t.Errorf("got %v, want no address", list)
		}
		mustAcquire(t, s)
		if list := addresses(k); len(list) != 3 {
			t.Errorf("got %v, want 3 addresses", list)
		}
	})
}

// TestApplyAnnouncesNewAddresses: all are, as at a takeover.
func TestApplyAnnouncesNewAddresses(t *testing.T) {
	inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		epoch := time.Now()
		mustAcquire(t, s)
		s.Announce()
		time.Sleep(10 * time.Second)
		if err := s.Apply(t.Context(), config(2)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		const a, b = 5 * time.Second, 10 * time.Second
		wantAges(t, k, epoch, 0, 0, a, a, b, b, b, b)
	})
}

// TestApplyAllOrNothing: when the kernel refuses half-way, the old addresses are there and the new ones are not.
func TestApplyAllOrNothing(t *testing.T) {
	for _, tt := range []struct{ op, want string }{
		{"Add", "apply addresses of VI_1: add 10.77.0.101/32 to v0: permission denied"},
		{"Delete", "apply addresses of VI_1: remove 10.77.0.100/32 from v0: permission denied"},
	} {
		t.Run(tt.op, func(t *testing.T) {
			inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
				mustAcquire(t, s)
				next := config(3)
				next.Addresses = next.Addresses[1:]
				k.Fail(viptest.Op(tt.op), errors.New("permission denied"))
				err := s.Apply(t.Context(), next)
				if got, _, _ := strings.Cut(fmt.Sprint(err), "\n"); got != tt.want {
					t.Errorf("got error %v, want %s", err, tt.want)
				}
				k.Fail(viptest.Op(tt.op), nil)
				time.Sleep(time.Second)
				synctest.Wait()
				st := s.Status()
				if len(st.Addresses) != 1 || st.Addresses[0].Address != address("10.77.0.100/32") || !st.Addresses[0].Present {
					t.Errorf("got %+v, want the old configuration", st.Addresses)
				}
				if list := addresses(k); len(list) != 1 || list[0].Prefix != address("10.77.0.100/32").Prefix {
					t.Errorf("got %+v, want the old address alone", list)
				}
			})
		})
	}
}

func TestRefusedConfigs(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*vip.Config)
		want   string
	}{
		{"IPv4 in IPv6", func(c *vip.Config) { c.Addresses[0] = address("::ffff:10.77.0.1/128") },
			"address ::ffff:10.77.0.1/128 on v0: IPv4 in IPv6 is no address of an interface"},
		{"label on IPv6", func(c *vip.Config) { c.Addresses[0] = address("fd00:77::100/128"); c.Addresses[0].Label = "v0:vip" },
			"address fd00:77::100/128 on v0: IPv6 addresses have no labels"},
		{"scope on IPv6", func(c *vip.Config) { c.Addresses[0] = address("fe80::100/64"); c.Addresses[0].Scope = vip.ScopeLink },
			"address fe80::100/64 on v0: the scope of an IPv6 address is given by its bits"},
		{"broadcast on IPv6", func(c *vip.Config) {
			c.Addresses[0] = address("fd00:77::100/64")
			c.Addresses[0].Broadcast = netip.MustParseAddr("fd00:77::ffff")
		}, "address fd00:77::100/64 on v0: only IPv4 has broadcast addresses"},
		{"broadcast of IPv6", func(c *vip.Config) { c.Addresses[0].Broadcast = netip.MustParseAddr("ff02::1") },
			"address 10.77.0.100/32 on v0: only IPv4 has broadcast addresses"},
		{"peer of IPv6", func(c *vip.Config) { c.Addresses[0].Peer = netip.MustParseAddr("fd00:77::1") },
			"address 10.77.0.100/32 on v0: its peer is of the other family"},
		{"peer of IPv4", func(c *vip.Config) {
			c.Addresses[0] = address("fd00:77::100/64")
			c.Addresses[0].Peer = netip.MustParseAddr("10.77.0.1")
		}, "address fd00:77::100/64 on v0: its peer is of the other family"},
		{"no address", func(c *vip.Config) { c.Addresses[0].Prefix = netip.Prefix{} }, "address on v0: no address given"},
		{"no interface", func(c *vip.Config) { c.Addresses[0].Interface = "" }, "address 10.77.0.100/32: no interface given"},
		{"short lease", func(c *vip.Config) { c.Lease = time.Second }, "lease 1s: want 0, or whole seconds, at least 2s"},
		{"negative lease", func(c *vip.Config) { c.Lease = -time.Second }, "lease -1s: want 0, or whole seconds, at least 2s"},
		{"broken lease", func(c *vip.Config) { c.Lease = 2500 * time.Millisecond }, "lease 2.5s: want 0, or whole seconds, at least 2s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(1)
			tt.change(&cfg)
			k := viptest.NewKernel("v0")
			if _, err := vip.New(cfg, k, k, nil); err == nil || err.Error() != tt.want {
				t.Errorf("New: got error %v, want %s", err, tt.want)
			}
			s, err := vip.New(config(1), k, k, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Apply(t.Context(), cfg); err == nil || err.Error() != tt.want {
				t.Errorf("Apply: got error %v, want %s", err, tt.want)
			}
		})
	}
}
