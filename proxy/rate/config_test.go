package rate

import (
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	good := Requests{Pace: tenth, Clients: usual, Status: 429}
	for _, tt := range []struct {
		name   string
		change func(*Requests)
		want   string
	}{
		{"none", func(*Requests) {}, ""},
		{"no requests", func(r *Requests) { r.Count = 0 }, "0 times, 3 at once, want 1 or more"},
		{"no burst", func(r *Requests) { r.Burst = 0 }, "10 times, 0 at once, want 1 or more"},
		{"too fast", func(r *Requests) { r.Per = time.Microsecond }, "10 times in 1µs, want at most once in a microsecond"},
		{"too long", func(r *Requests) { r.Burst, r.Per = 1_000_000, 1000*24*time.Hour }, "1000000 at once, each good for 2400h0m0s, want less"},
		{"no bits of IPv4", func(r *Requests) { r.IPv4Prefix = 0 }, "clients known by 0 bits of an IPv4 address, want 1 to 32"},
		{"too many bits of IPv4", func(r *Requests) { r.IPv4Prefix = 33 }, "clients known by 33 bits of an IPv4 address, want 1 to 32"},
		{"no bits of IPv6", func(r *Requests) { r.IPv6Prefix = 0 }, "clients known by 0 bits of an IPv6 address, want 1 to 128"},
		{"no clients", func(r *Requests) { r.TableSize = 0 }, "table of 0 clients, want 1 to 10000000"},
		{"too many clients", func(r *Requests) { r.TableSize = 10_000_001 }, "table of 10000001 clients, want 1 to 10000000"},
		{"a status of success", func(r *Requests) { r.Status = 200 }, "status 200 for those that ask too often, want 400 to 599"},
		{"two", func(r *Requests) { r.Status, r.Burst = 600, 0 }, "10 times, 0 at once, want 1 or more\nstatus 600 for those that ask too often, want 400 to 599"},
	} {
		r := good
		tt.change(&r)
		if got := text(r.Fault()); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	for _, tt := range []struct {
		name string
		c    *Connections
		want string
	}{
		{"none", nil, ""},
		{"any number at a pace", &Connections{Pace: tenth, Clients: usual}, ""},
		{"some at any pace", &Connections{Max: 1, Clients: usual}, ""},
		{"too many", &Connections{Max: 1_000_001, Clients: usual}, "1000001 connections of a client, want 0 to 1000000"},
		{"no pace", &Connections{Pace: Pace{Count: 1, Per: 1}, Clients: usual}, "1 times, 0 at once, want 1 or more"},
		{"no clients", &Connections{Max: 1}, "clients known by 0 bits of an IPv4 address, want 1 to 32"},
	} {
		if got := text(tt.c.Fault()); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	if err := (*Requests)(nil).Fault(); err != nil {
		t.Errorf("none: got %v", err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
