package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
)

const (
	etherTypeIPv6  = 0x86dd
	protocolICMPv6 = 58
)

// sniffer6 keeps every frame with VRRP or ICMPv6 over IPv6.
type sniffer6 struct{ *sniffer }

func sniffIPv6(t *testing.T, node *netlab.Node) sniffer6 {
	t.Helper()
	s := &sniffer{done: make(chan struct{})}
	s.conn = rawSocket(t, node, "eth0", []bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: etherTypeIPv6, SkipTrue: 4},
		bpf.LoadAbsolute{Off: 14 + 6, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: protocolVRRP, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: protocolICMPv6, SkipTrue: 1},
		bpf.RetConstant{Val: 2048},
		bpf.RetConstant{Val: 0},
	})
	go s.read()
	t.Cleanup(s.stop)
	return sniffer6{s}
}

// What tshark tells of each frame over IPv6, and wants of every advert and announcement. Checksum status 1 is good.
var (
	tsharkFields6 = []string{
		"frame.protocols", "eth.dst", "ipv6.dst", "ipv6.hlim", "_ws.expert.message",
		"vrrp.version", "vrrp.type", "vrrp.virt_rtr_id", "vrrp.checksum.status", "vrrp.short_adver_int", "vrrp.ipv6_addr",
		"icmpv6.type", "icmpv6.checksum.status", "icmpv6.nd.na.flag.s", "icmpv6.nd.na.flag.o", "icmpv6.nd.na.flag.r",
		"ipv6.src", "vrrp.prio", "icmpv6.nd.na.target_address", "icmpv6.opt.linkaddr", "eth.src",
	}
	wantAdvert6 = []string{
		"eth:ethertype:ipv6:vrrp", "33:33:00:00:00:12", "ff02::12", "255", "",
		"3", "1", "51", "1", "10", "fe80::77:100,fd00:77::100,fd00:77::101",
		"", "", "", "", "",
	}
	wantNA = []string{ // rule 89: S clear, O set, R clear on a host that is no router
		"eth:ethertype:ipv6:icmpv6", "33:33:00:00:00:01", "ff02::1", "255", "",
		"", "", "", "", "", "",
		"136", "1", "0", "1", "0",
	}
)

// judge has tshark decode every frame: each advert and each unsolicited neighbour advertisement for a virtual address is as it
// must be, Keepalived's too. Both nodes sent some, and this one resigned.
func (s sniffer6) judge(t *testing.T, p *drill.Pair, resigned string) {
	t.Helper()
	s.stop()
	path := filepath.Join(t.TempDir(), "ipv6.pcap")
	check(t, s.writePcap(path))
	args := []string{"-r", path, "-T", "fields"}
	for _, f := range tsharkFields6 {
		args = append(args, "-e", f)
	}
	cmd := exec.CommandContext(t.Context(), peers.Find(t, "tshark"), args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir()) // no settings of the user's
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	macs := map[string]string{p.Cable("lb1").MAC.String(): "lb1", p.Cable("lb2").MAC.String(): "lb2"}
	seen := map[string]int{}
	for n, line := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		values := strings.Split(line, "\t")
		if len(values) != len(tsharkFields6) {
			t.Fatalf("packet %d: %d fields in %q, want %d", n, len(values), line, len(tsharkFields6))
		}
		facts := values[len(wantAdvert6):]
		source, priority, target, linkaddr, mac := facts[0], facts[1], facts[2], facts[3], facts[4]
		want := wantAdvert6
		switch {
		case values[5] != "" && (!strings.HasPrefix(source, "fe80::") || source == vip6Local.String()): // rule 7
			t.Errorf("packet %d: an advert from %s at %s, want a link-local address of %s", n, source, mac, macs[mac])
		case values[5] != "":
			seen["advert of "+macs[mac]]++
			if priority == "0" {
				seen["farewell of "+macs[mac]]++
			}
		case values[2] == "ff02::1" && values[11] == "136" && (strings.HasPrefix(target, "fd00:77::10") || target == vip6Local.String()):
			want = wantNA
			seen["announcement of "+target+" by "+macs[mac]]++
			if source != target || linkaddr != mac {
				t.Errorf("packet %d: %s announced from %s at %s by %s", n, target, source, linkaddr, mac)
			}
		default:
			continue // neighbour discovery of the kernels
		}
		for i, want := range want {
			if values[i] != want {
				t.Errorf("packet %d: tshark has %s %q, want %q: %s", n, tsharkFields6[i], values[i], want, line)
			}
		}
	}
	t.Logf("tshark: %v", seen)
	for _, node := range []string{"lb1", "lb2"} {
		for _, what := range []string{"advert of ", "announcement of fd00:77::100 by ", "announcement of fd00:77::101 by ", "announcement of fe80::77:100 by "} {
			if seen[what+node] == 0 {
				t.Errorf("no %s%s seen", what, node)
			}
		}
	}
	if seen["farewell of "+resigned] == 0 {
		t.Errorf("no advert of priority 0 of %s seen", resigned)
	}
}
