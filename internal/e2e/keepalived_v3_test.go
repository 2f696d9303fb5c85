package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// Version 3 with an advert each 100 ms. Its skew time is a fraction of the interval (RFC 9568 section 6.1).
const (
	advertInterval3 = 100 * time.Millisecond
	keepalivedSkew3 = 156 * advertInterval3 / 256
	tandemSkew3     = 155 * advertInterval3 / 256
	keepalivedDown3 = 3*advertInterval3 + keepalivedSkew3
	tandemDown3     = 3*advertInterval3 + tandemSkew3

	// slack3 is what two cores that do other things too may add: more than that is an advert interval of version 2.
	slack3 = 400 * time.Millisecond
)

// config3 is drill.Config in version 3, which has no passwords.
func config3(t *testing.T) string {
	return edited(t, drill.Config,
		"      advert_interval: 1s\n", "      version: 3\n      advert_interval: 100ms\n",
		"      authentication: {type: PASS, password: s3cret77}\n", "")
}

func keepalivedConf3(t *testing.T, changes ...string) string {
	return edited(t, edited(t, keepalivedConf,
		"vrrp_version 2", "vrrp_version 3",
		"advert_int 1\n", "advert_int 0.1\n",
		"\tauthentication {\n\t\tauth_type PASS\n\t\tauth_pass s3cret77\n\t}\n", ""), changes...)
}

// Tandem is MASTER with priority 101, Keepalived BACKUP with 100.
func TestIntegrationKeepalivedTakesOverFromTandemInVersion3(t *testing.T) {
	m := newMixedPair(t, config3(t), keepalivedConf3(t))
	m.start(t, "lb1")
	m.run(t, []move{
		{
			name: "v3: Tandem's cable pulled (carrier lost)", do: m.pull("lb1"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown3 + slack3, why: "3 x 100 ms + skew", sole: "lb2",
		},
		{
			name: "v3: Tandem's cable back", do: m.restore("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: untilChecked + tandemDown3 + slack3, why: "a check, 3 x 100 ms + skew", sole: "lb1", outage: giveBack,
		},
		{
			name: "v3: Tandem stopped (SIGTERM)", do: m.stop("lb1", syscall.SIGTERM),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedSkew3 + slack3, why: "skew", sole: "lb2",
		},
		{
			name: "v3: Tandem started again", do: m.again("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + startSlack, why: "3 x 100 ms + skew", sole: "lb1", outage: giveBack,
		},
		{
			name: "v3: Tandem killed (kill -9)", do: m.stop("lb1", syscall.SIGKILL),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedSkew3 + slack3, why: "skew: the keeper's last will", sole: "lb2",
		},
	})
}

// Keepalived is MASTER with priority 102, Tandem BACKUP with 101.
func TestIntegrationTandemTakesOverFromKeepalivedInVersion3(t *testing.T) {
	m := newMixedPair(t, config3(t), keepalivedConf3(t, "priority 100", "priority 102"))
	m.start(t, "lb2")
	m.awaitStatus(t, "lb1", "it heard nothing that does not count", func(s status.Snapshot) bool {
		i := s.Instances[0]
		return i.Version == 3 && i.Interval == advertInterval3.Seconds() && i.Counters.AdvertsReceived > 0 && len(i.Counters.Dropped) == 0
	})
	m.run(t, []move{
		{
			name: "v3: Keepalived's cable pulled (carrier lost)", do: m.pull("lb2"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + slack3, why: "3 x 100 ms + skew", sole: "lb1",
		},
		{
			name: "v3: Keepalived's cable back", do: m.restore("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown3 + slack3, why: "3 x 100 ms + skew", sole: "lb2", outage: giveBack,
		},
		{
			name: "v3: Keepalived stopped (SIGTERM)", do: m.stop("lb2", syscall.SIGTERM),
			kind: netlab.AddressAdded, node: "lb1", in: tandemSkew3 + slack3, why: "skew", sole: "lb1",
		},
		{
			name: "v3: Keepalived started again", do: m.again("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown3 + 2*startSlack, why: "3 x 100 ms + skew", sole: "lb2", outage: giveBack,
		},
	})
}
