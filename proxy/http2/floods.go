package http2

import "time"

// Floods bound what costs its sender less than us, each in the time of Per. All have to be above 0.
type Floods struct {
	Per      time.Duration
	Resets   int // streams that the peer resets before they are answered
	Settings int // SETTINGS and acknowledgements
	Pings    int // PING; each DATA frame that is sent allows 2 more, since some measure round trips while they receive
	Empty    int // DATA without an octet that ends nothing
	Updates  int // WINDOW_UPDATE, PRIORITY and what is not known; each DATA frame that is sent allows 10 more
	Faults   int // streams that ended for a fault, and frames on such
}

// DefaultFloods are far above what a browser does that leaves a page, and far below what a flood needs.
func DefaultFloods() Floods {
	return Floods{Per: 10 * time.Second, Resets: 200, Settings: 32, Pings: 100, Empty: 100, Updates: 2000, Faults: 100}
}

// kindOfFlood is what is counted.
type kindOfFlood uint8

const (
	resets kindOfFlood = iota
	settingsFrames
	pings
	empties
	updates
	faults
	numFloods
)

// counts are those since a time that is at most Per ago.
type counts struct {
	since time.Time
	now   time.Time
	n     [numFloods]int
}

// age tells the time of what is counted next.
func (c *counts) age(now time.Time) { c.now = now }

// count counts one, and returns the reason for the connection to end if that is one too many.
func (c *counts) count(lim *Floods, k kindOfFlood) Reason {
	if c.now.Sub(c.since) >= lim.Per {
		c.since, c.n = c.now, [numFloods]int{}
	}
	c.n[k]++
	if c.n[k] <= [numFloods]int{lim.Resets, lim.Settings, lim.Pings, lim.Empty, lim.Updates, lim.Faults}[k] {
		return 0
	}
	return [numFloods]Reason{ResetFlood, SettingsFlood, PingFlood, EmptyFlood, UpdateFlood, FaultFlood}[k]
}

// largeHead is how many faults a head counts for that is too large: a few octets can name large fields of the table again
// and again, and reading them takes milliseconds.
const largeHead = 20

// sentData allows the peer what it answers DATA with.
func (c *counts) sentData() {
	c.n[pings] = max(c.n[pings]-2, 0)
	c.n[updates] = max(c.n[updates]-10, 0)
}
