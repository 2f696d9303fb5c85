package status

import (
	"strconv"
	"time"
)

// age words how long ago t was, "-" for a time that has not come.
func (s Snapshot) age(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return span(s.Time.Sub(t))
}

// span words a duration with the precision that people want: "850ms", "42s", "3m5s", "2h13m", "9d4h".
func span(d time.Duration) string {
	const day = 24 * time.Hour
	part := func(n time.Duration, unit string) string { return strconv.FormatInt(int64(n), 10) + unit }
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return part(d/time.Millisecond, "ms")
	case d < time.Minute:
		return part(d/time.Second, "s")
	case d < time.Hour:
		return part(d/time.Minute, "m") + part(d%time.Minute/time.Second, "s")
	case d < day:
		return part(d/time.Hour, "h") + part(d%time.Hour/time.Minute, "m")
	default:
		return part(d/day, "d") + part(d%day/time.Hour, "h")
	}
}

// seconds words a number of seconds: "3.609s".
func seconds(s float64) string {
	return strconv.FormatFloat(s, 'g', 4, 64) + "s"
}

// orDash stands in for a text that is empty, so that columns stay columns.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// count words a number of things: "1 server", "2 servers".
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}
