package certs

import (
	"crypto/x509"
	"testing"
	"time"
)

func TestDue(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		life time.Duration
		left time.Duration
		want due
		text string
	}{
		{"90 days, fresh", 90 * day, 90 * day, inTime, ""},
		{"90 days, before the first word", 90 * day, 14*day + time.Second, inTime, ""},
		{"90 days, 14 left", 90 * day, 14 * day, soon, "certificate of a.example expires at 2026-05-30T00:00:00Z"},
		{"90 days, 3 left and a second", 90 * day, 3*day + time.Second, soon, "certificate of a.example expires at 2026-05-30T00:00:00Z"},
		{"90 days, 3 left", 90 * day, 3 * day, urgent, "certificate of a.example expires at 2026-05-30T00:00:00Z"},
		{"90 days, none left", 90 * day, 0, urgent, "certificate of a.example expires at 2026-05-30T00:00:00Z"},
		{"90 days, ended", 90 * day, -time.Second, over, "certificate of a.example expired at 2026-05-30T00:00:00Z"},
		{"6 days, fresh", 6 * day, 6 * day, inTime, ""},
		{"6 days, 2 left", 6 * day, 2 * day, soon, "certificate of a.example expires at 2026-03-07T00:00:00Z"},
		{"6 days, 1 left", 6 * day, day, urgent, "certificate of a.example expires at 2026-03-07T00:00:00Z"},
		{"not begun", 90 * day, 90*day + time.Second, over, "certificate of a.example is not valid before 2026-03-01T00:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &x509.Certificate{DNSNames: []string{"a.example"}, NotBefore: start, NotAfter: start.Add(tt.life)}
			now := c.NotAfter.Add(-tt.left)
			if got := dueOf(c, now); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
			if got := dueText(c, now); got != tt.text {
				t.Errorf("got %q, want %q", got, tt.text)
			}
		})
	}
}
