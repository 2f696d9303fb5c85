package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
)

// goldenTandem is the same router as keepalivedConf with lb1's priority, alone.
const goldenTandem = `nodes:
  lb1: {address: 10.77.0.1}
vrrp:
  instances:
    - name: VI_1
      interface: eth0
      virtual_router_id: 51
      priority: 101
      advert_interval: 1s
      authentication: {type: PASS, password: s3cret77}
      virtual_addresses: [10.77.0.100/24]
`

// The bytes are those of Keepalived 2.2.7: VRID 51, priority 101, 1 s, 10.77.0.100. What Debian's Keepalived sends here
// and now is compared with them, and what Tandem sends with that: whole frames, and the announcements too.
func TestIntegrationGoldenAdverts(t *testing.T) {
	needLab(t)
	peers.Find(t, "keepalived")
	lab, err := netlab.New(netlab.Config{Private: []string{"/run"}})
	check(t, err)
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	cases := []struct {
		name               string
		keepalived, tandem []string // changes of the configurations
		golden             string
	}{
		{"PASS", nil, nil, "213365010101fac70a4d00647333637265743737"},
		{
			"no authentication", []string{"auth_type PASS", "auth_type NONE", "\t\tauth_pass s3cret77\n", ""},
			[]string{"      authentication: {type: PASS, password: s3cret77}\n", ""},
			"2133650100016f190a4d00640000000000000000",
		},
		{
			"PASS, 2 addresses", []string{"10.77.0.100/24", "10.77.0.100/24\n\t\t10.77.0.101/24"},
			[]string{"[10.77.0.100/24]", "[10.77.0.100/24, 10.77.0.101/24]"},
			"213365020101f0140a4d00640a4d00657333637265743737",
		},
	}
	// All at once, each on a LAN of its own with the same address: what takes time is the first down interval.
	var keepalived, tandem []*solo
	for _, c := range cases {
		conf := edited(t, edited(t, keepalivedConf, "priority 100", "priority 101"), c.keepalived...)
		keepalived = append(keepalived, newSolo(t, lab, "keepalived, "+c.name, func(n *netlab.Node) *netlab.Process {
			return startKeepalived(t, n, conf)
		}))
		file := filepath.Join(t.TempDir(), "tandem.yaml")
		check(t, os.WriteFile(file, []byte(edited(t, goldenTandem, c.tandem...)), 0o644))
		tandem = append(tandem, newSolo(t, lab, "tandem, "+c.name, func(n *netlab.Node) *netlab.Process {
			p, err := n.Start(exec.Command(binary(t), "run", "--config", file, "--node", "lb1"))
			check(t, err)
			return p
		}))
	}
	for _, s := range slices.Concat(keepalived, tandem) {
		s.untilAnnounced(t)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			golden, err := hex.DecodeString(c.golden)
			check(t, err)
			k, d := keepalived[i].stop(t), tandem[i].stop(t)
			if got := k.regular[headersLen:]; !bytes.Equal(got, golden) {
				t.Errorf("Keepalived sends %x, want %x", got, golden)
			}
			if !bytes.Equal(d.regular, k.regular) {
				t.Errorf("Tandem sends %x, Keepalived %x", d.regular, k.regular)
			}
			if !bytes.Equal(d.resignation, k.resignation) {
				t.Errorf("Tandem resigns with %x, Keepalived with %x", d.resignation, k.resignation)
			}
			if !slices.Equal(d.announced, k.announced) {
				t.Errorf("Tandem announces %v, Keepalived %v", d.announced, k.announced)
			}
			t.Logf("both: %x, resigning %x, announcing %d times", k.regular[headersLen:], k.resignation[headersLen:], len(k.announced))
		})
	}
}

// solo is a router alone on its LAN.
type solo struct {
	name    string
	lab     *netlab.Lab
	mark    netlab.Mark
	wire    *sniffer
	process *netlab.Process
}

func newSolo(t *testing.T, lab *netlab.Lab, name string, start func(*netlab.Node) *netlab.Process) *solo {
	t.Helper()
	s := &solo{name: name, lab: lab, mark: lab.Mark()}
	lan, err := lab.LAN(name)
	check(t, err)
	node, err := lab.Node(name)
	check(t, err)
	_, err = node.Connect(t.Context(), lan, "eth0", netip.MustParsePrefix("10.77.0.1/24"))
	check(t, err)
	s.wire = sniff(t, node, "eth0")
	s.process = start(node)
	return s
}

// firstBurst is how often both announce an address at a takeover.
const firstBurst = 5

func (s *solo) untilAnnounced(t *testing.T) {
	t.Helper()
	n := 0
	_, err := s.lab.Await(t.Context(), s.mark, func(e netlab.Event) bool {
		if e.Node == s.name && e.Gratuitous(drill.VIP) {
			n++
		}
		return n == firstBurst
	})
	check(t, err)
}

// sent is what a router said in its life.
type sent struct {
	regular, resignation []byte   // whole frames, without what must differ
	announced            []string // of the first burst, without the hardware address
}

// stop ends the router in order and returns what it sent. Its adverts are all alike, but for the last.
func (s *solo) stop(t *testing.T) sent {
	t.Helper()
	check(t, s.process.Signal(syscall.SIGTERM))
	check(t, s.process.Wait(t.Context()))
	s.wire.stop()
	var all [][]byte
	for _, f := range s.wire.seen() {
		all = append(all, anonymous(f.bytes))
	}
	if len(all) < 2 {
		t.Fatalf("%s sent %d adverts, want two at least", s.name, len(all))
	}
	for _, f := range all[:len(all)-1] {
		if !bytes.Equal(f, all[0]) {
			t.Errorf("%s sent %x, then %x", s.name, all[0], f)
		}
	}
	out := sent{regular: all[0], resignation: all[len(all)-1]}
	if got := out.resignation[headersLen+2]; got != 0 {
		t.Errorf("%s: the last advert has priority %d, want 0", s.name, got)
	}
	events, err := s.lab.Since(s.mark)
	check(t, err)
	for _, e := range events {
		if e.Node == s.name && e.Kind == netlab.ARPSeen && len(out.announced) < firstBurst*2 {
			a := e.ARP
			out.announced = append(out.announced, fmt.Sprintf("operation %d to %v: %v, target %v at %v",
				a.Operation, a.Destination, a.SenderIP, a.TargetIP, a.TargetMAC))
		}
	}
	return out
}

// anonymous is a frame without what two nodes, or two packets of one, cannot have alike: the hardware address, the
// identification that Linux gives each packet, and the header's checksum over it.
func anonymous(frame []byte) []byte {
	b := bytes.Clone(frame)
	clear(b[6:12])
	clear(b[18:20])
	clear(b[24:26])
	return b
}
