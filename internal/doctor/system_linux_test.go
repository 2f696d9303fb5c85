package doctor

import (
	"slices"
	"testing"
)

// In the format of Linux 6.18; a name of 15 octets leaves no room before the colon.
const igmpList = `Idx	Device    : Count Querier	Group    Users Timer	Reporter
1	lo        :     1      V3
				010000E0     1 0:00000000		0
2	eth0      :     2      V3
				120000E0     1 0:00000000		0
				010000E0     1 0:00000000		0
3	another-15-octs:     1      V3
				010000E0     1 0:00000000		0
4	name-of-15-octs:     1      V3
				120000E0     1 0:00000000		0
`

func TestListsGroup(t *testing.T) {
	t.Parallel()
	for ifname, want := range map[string]bool{"lo": false, "eth0": true, "eth1": false, "name-of-15-octs": true} {
		if got := listsGroup(igmpList, ifname, groupAddr()); got != want {
			t.Errorf("%s: got %t, want %t", ifname, got, want)
		}
	}
}

// In the format of Linux 6.18: a socket for ICMP and two for VRRP.
const rawList = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
    1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0
  112: 00000000:0070 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 40217 2 0000000000000000 0
  112: 0100000A:0070 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 40218 2 0000000000000000 0
`

func TestAdvertSockets(t *testing.T) {
	t.Parallel()
	if got, want := advertSockets(rawList), []string{"40217", "40218"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
