package vrrp

import (
	"testing"
	"time"
)

// Rule 51: "Skew_Time: Time to skew Master_Down_Interval in seconds. Calculated as: ( (256 - Priority) / 256 )" (RFC 3768
// section 6.1). Rule 53: "(3 * Advertisement_Interval) + Skew_time".
func TestRule51_53_SkewAndDownInterval(t *testing.T) {
	tests := []struct {
		priority   uint8
		interval   time.Duration
		skew, down time.Duration
	}{
		{100, time.Second, 609375 * time.Microsecond, 3609375 * time.Microsecond},
		{254, time.Second, 7812500 * time.Nanosecond, 3007812500 * time.Nanosecond},
		{255, time.Second, 3906250 * time.Nanosecond, 3003906250 * time.Nanosecond},
		{1, time.Second, 996093750 * time.Nanosecond, 3996093750 * time.Nanosecond},
		{100, 255 * time.Second, 609375 * time.Microsecond, 765609375 * time.Microsecond}, // the skew does not grow with the interval
	}
	for _, tt := range tests {
		if got := skewTime(V2, tt.interval, tt.priority); got != tt.skew {
			t.Errorf("rule 51, priority %d: got %v, want %v", tt.priority, got, tt.skew)
		}
		if got := masterDownInterval(V2, tt.interval, tt.priority); got != tt.down {
			t.Errorf("rule 53, priority %d, interval %v: got %v, want %v", tt.priority, tt.interval, got, tt.down)
		}
	}
}

func TestRule57_ConfigValidate(t *testing.T) {
	tests := []struct {
		name string
		set  func(*Config)
		want string
	}{
		{"as it should be", func(*Config) {}, ""},
		{"rule 57, 1 s", func(c *Config) { c.AdvertInterval = time.Second }, ""},
		{"rule 57, 255 s", func(c *Config) { c.AdvertInterval = 255 * time.Second }, ""},
		{"rule 57, 0", func(c *Config) { c.AdvertInterval = 0 }, "instance VI_1: advert interval 0s, want 1 to 255 whole seconds"},
		{"rule 57, 256 s", func(c *Config) { c.AdvertInterval = 256 * time.Second }, "instance VI_1: advert interval 4m16s, want 1 to 255 whole seconds"},
		{"rule 57, 1.5 s", func(c *Config) { c.AdvertInterval = 1500 * time.Millisecond }, "instance VI_1: advert interval 1.5s, want 1 to 255 whole seconds"},
		{"rule 13, VRID 0", func(c *Config) { c.VRID = 0 }, "instance VI_1: VRID 0, want 1 to 255"},
		{"rule 24, priority 0", func(c *Config) { c.Priority = 0 }, "instance VI_1: priority 0, want 1 to 255"},
		{"version 4", func(c *Config) { c.Version = 4 }, "instance VI_1: version 4, want 2 or 3"},
		{"no address", func(c *Config) { c.Addresses = nil }, "instance VI_1: 0 addresses, want 1 to 255"},
		{"rule 22, IPv6 with version 2", func(c *Config) { c.Addresses = addrs("fd00::1") }, "instance VI_1: address fd00::1 with version 2, want IPv4"},
		{"rule 34, eight octets", func(c *Config) { c.Auth = Auth{AuthPass, "12345678"} }, ""},
		{"rule 34, nine octets", func(c *Config) { c.Auth = Auth{AuthPass, "123456789"} }, "instance VI_1: a password of 9 octets, want 1 to 8"},
		{"rule 34, no password", func(c *Config) { c.Auth = Auth{AuthPass, ""} }, "instance VI_1: a password of 0 octets, want 1 to 8"},
		{"rule 33, password without type", func(c *Config) { c.Auth = Auth{AuthNone, "x"} }, "instance VI_1: a password without authentication type PASS"},
		{"rule 33, type 2", func(c *Config) { c.Auth = Auth{2, "x"} }, "instance VI_1: authentication type 2, want 0 or 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			tt.set(&cfg)
			got := ""
			if err := cfg.Validate(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
