package daemon

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/vrrp"
	"github.com/tandem-lb/tandem/vrrp/seal"
)

// Rule 37: who sends for the daemon gets what to sign with: for the beat, and for the farewell of the last will, which a rotation
// renews.
func TestRule37_TheKeeperGetsTheKey(t *testing.T) {
	keyOf := func(id uint8) seal.Key {
		t.Helper()
		k, err := seal.NewKey(id, bytes.Repeat([]byte{id}, 32))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	signer := seal.Signer{Key: keyOf(1), Offset: time.Hour, Slack: 5 * time.Second}
	synctest.Test(t, func(t *testing.T) {
		b, k := line(t)
		packets := append(to(1), to(2)...)
		packets[0].Signer, packets[1].Signer = signer, signer
		b.Set("VI_1", packets, "eth0", time.Second, time.Minute)
		b.flush(t.Context())
		if got := k.beats["VI_1"]; !got.Signer.Equal(signer) || !got.Also[0].Signer.Equal(signer) {
			t.Errorf("got the signers %v and %v, want %v", got.Signer, got.Also[0].Signer, signer)
		}
	})

	w := newWorld()
	cfg := web("VI_1", "10.0.0.100/24")
	cfg.VRRP.HMAC = vrrp.HMAC{Keys: []seal.Key{keyOf(1), keyOf(2)}, Active: 1, Window: 5 * time.Second}
	p := w.instance(cfg)
	p.vips.hold(true)
	p.renewWill(t.Context())
	for _, id := range []uint8{1, 2} {
		farewell, ok := w.keeper.wills["VI_1"][1].(keeper.SendPacket)
		if !ok || !farewell.Signer.Key.Equal(keyOf(id)) || farewell.Signer.Slack != 5*time.Second {
			t.Errorf("the will has %v with the signer %v, want one with %v", farewell, farewell.Signer, keyOf(id))
		}
		cfg.VRRP.HMAC.Active = 2
		p.reconfigure(cfg)
		p.work(t)
	}
}
