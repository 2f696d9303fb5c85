package hysteresis

// Status is what a Counter has concluded. The zero value is Unknown.
type Status uint8

// The statuses of a Counter.
const (
	Unknown Status = iota // no result yet
	Up
	Down
)

// String returns "unknown", "up" or "down".
func (s Status) String() string {
	switch s {
	case Up:
		return "up"
	case Down:
		return "down"
	default:
		return "unknown"
	}
}

// MarshalText writes the status as String does, for JSON.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Counter turns single results into a Status. The zero value is New(1, 1). Not safe for concurrent use.
type Counter struct {
	rise, fall int // results in a row that change the status; below 1 means 1
	status     Status
	run        int // results in a row against status; always 0 while Unknown
}

// New returns a Counter that starts Unknown: the first result decides. Afterwards rise successes in a row make it Up
// and fall failures in a row make it Down; a number below 1 counts as 1.
func New(rise, fall int) Counter {
	return Counter{rise: rise, fall: fall}
}

// Start returns a Counter that starts as s and leaves it after left contrary results in a row. left is bounded to 1 and
// the usual number (fall for Up, rise for Down); a result that agrees with s restores the usual number. For Unknown
// left has no meaning, and Start is New.
func Start(rise, fall int, s Status, left int) Counter {
	c := Counter{rise: rise, fall: fall, status: s}
	if s != Unknown {
		c.run = c.limit() - min(max(left, 1), c.limit())
	}
	return c
}

// Observe counts one result and reports whether it changed the status. The first result of an Unknown counter always
// does.
func (c *Counter) Observe(ok bool) (changed bool) {
	seen := Down
	if ok {
		seen = Up
	}
	if seen == c.status {
		c.run = 0
		return false
	}
	c.run++
	if c.run < c.limit() {
		return false
	}
	c.status, c.run = seen, 0
	return true
}

// Status returns the present status.
func (c *Counter) Status() Status { return c.status }

// Progress says how far the counter is on its way out of its status: run contrary results in a row of the limit that
// it takes. A steady counter has run 0.
func (c *Counter) Progress() (run, limit int) { return c.run, c.limit() }

// limit is the number of contrary results in a row that end the present status.
func (c *Counter) limit() int {
	switch c.status {
	case Up:
		return max(c.fall, 1)
	case Down:
		return max(c.rise, 1)
	default:
		return 1
	}
}
