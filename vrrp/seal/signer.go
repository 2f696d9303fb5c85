package seal

import "time"

// Signer is what another process needs to seal adverts of a sender. The zero Signer seals nothing.
type Signer struct {
	Key    Key
	Offset time.Duration // as of the Clock of whoever hands it over; 0: not known
	Slack  time.Duration // as of the Clock
}

// Equal reports whether both seal alike.
func (s Signer) Equal(other Signer) bool {
	return s.Offset == other.Offset && s.Slack == other.Slack && s.Key.Equal(other.Key)
}

// Adopt goes on from where the Clock of whoever handed s over is.
func (c *Clock) Adopt(s Signer) {
	c.Slack = s.Slack
	if s.Offset != 0 {
		c.Offset = s.Offset
	}
}
