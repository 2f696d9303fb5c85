package keeper

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

// Signer seals a packet just before it is sent, each time anew. Its JSON has the key, and is for the socket between the two
// processes alone: see will.storable.
type Signer struct{ seal.Signer }

type signerText struct {
	ID     uint8         `json:"id"`
	Secret []byte        `json:"secret"`
	Offset time.Duration `json:"offset"`
	Slack  time.Duration `json:"slack"`
}

// IsZero reports whether there is nothing to seal.
func (s Signer) IsZero() bool { return s.Key.IsZero() }

// MarshalJSON writes the key too.
func (s Signer) MarshalJSON() ([]byte, error) {
	return json.Marshal(signerText{ID: s.Key.ID, Secret: s.Key.Secret(), Offset: s.Offset, Slack: s.Slack})
}

// UnmarshalJSON refuses what is no key.
func (s *Signer) UnmarshalJSON(text []byte) error {
	var t signerText
	if err := unmarshalStrict(text, &t); err != nil {
		return fmt.Errorf("signer: %w", err)
	}
	key, err := seal.NewKey(t.ID, t.Secret)
	if err != nil {
		return fmt.Errorf("signer: %w", err)
	}
	s.Signer = seal.Signer{Key: key, Offset: t.Offset, Slack: t.Slack}
	return nil
}

// clocks are those of the instances whose adverts are sealed, by name. The daemon sealed adverts before, and may do so again:
// each takes the clock over from the other.
type clocks struct {
	now  func() seal.Now
	each map[string]*seal.Clock
}

// adopt goes on from where the daemon's clock for an instance is.
func (c *clocks) adopt(instance string, s Signer) {
	if !s.IsZero() {
		c.of(instance).Adopt(s.Signer)
	}
}

func (c *clocks) of(instance string) *seal.Clock {
	if c.each[instance] == nil {
		c.each[instance] = new(seal.Clock)
	}
	return c.each[instance]
}

// seal seals packets that say the same: with one sequence, for each goes to another receiver.
func (c *clocks) seal(instance string, packets ...Packet) error {
	if packets[0].Signer.IsZero() {
		return nil
	}
	sequence := c.of(instance).Next(c.now())
	for _, p := range packets {
		if err := p.Signer.Key.Seal(p.Data, sequence); err != nil {
			return err
		}
	}
	return nil
}
