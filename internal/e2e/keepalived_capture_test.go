package e2e

import (
	"bytes"
	wire "encoding/binary" // binary is the program under test
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"

	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
	"github.com/tandem-lb/tandem/vrrp"
)

const (
	etherTypeIPv4 = 0x0800
	protocolVRRP  = 112
	headersLen    = 14 + 20 // Ethernet and IPv4, before the VRRP message
)

// sniffer keeps every VRRP frame that passes an interface of a node, in both directions.
type sniffer struct {
	done chan struct{} // closed by the reading goroutine when it ends; nothing is sent
	conn *packet.Conn

	mu     sync.Mutex
	frames []frame // guarded by mu
}

type frame struct {
	time  time.Time
	bytes []byte
}

// sniff begins at once and goes on until stop, or the test's end.
func sniff(t *testing.T, node *netlab.Node, iface string) *sniffer {
	t.Helper()
	s := &sniffer{done: make(chan struct{})}
	s.conn = rawSocket(t, node, iface, []bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherTypeIPv6, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: etherTypeIPv4, SkipTrue: 5},
		bpf.LoadAbsolute{Off: 14 + 9, Size: 1},
		bpf.Jump{Skip: 1},
		bpf.LoadAbsolute{Off: 14 + 6, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: protocolVRRP, SkipTrue: 1},
		bpf.RetConstant{Val: 2048},
		bpf.RetConstant{Val: 0},
	})
	go s.read()
	t.Cleanup(s.stop)
	return s
}

// read reads until the socket is closed.
func (s *sniffer) read() {
	defer close(s.done)
	b := make([]byte, 2048)
	for {
		n, _, err := s.conn.ReadFrom(b)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.frames = append(s.frames, frame{time: time.Now(), bytes: append([]byte(nil), b[:n]...)})
		s.mu.Unlock()
	}
}

func (s *sniffer) stop() {
	_ = s.conn.Close() // closed twice is closed
	<-s.done
}

// seen is what was caught so far.
func (s *sniffer) seen() []frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]frame(nil), s.frames...)
}

// writePcap writes what was caught as a capture file (the classic format, in microseconds).
func (s *sniffer) writePcap(path string) error {
	le := wire.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)                                                            // version
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(le.AppendUint32(b, 0), 0), 1<<16), 1 /* Ethernet */) // zone, accuracy, longest, link
	for _, f := range s.seen() {
		b = le.AppendUint32(b, uint32(f.time.Unix()))
		b = le.AppendUint32(b, uint32(f.time.Nanosecond()/1000))
		b = le.AppendUint32(le.AppendUint32(b, uint32(len(f.bytes))), uint32(len(f.bytes)))
		b = append(b, f.bytes...)
	}
	return os.WriteFile(path, b, 0o644)
}

// tsharkFields are what tshark tells of each frame, and tsharkWants what it is to tell of every one in a mixed pair.
// Wireshark's checksum status 1 is good; an expert's message would be a complaint.
var (
	tsharkFields = []string{
		"frame.protocols", "eth.dst", "ip.dst", "ip.ttl", "ip.checksum.status", "vrrp.version", "vrrp.type", "vrrp.virt_rtr_id",
		"vrrp.checksum.status", "vrrp.adver_int", "vrrp.short_adver_int", "vrrp.auth_type", "vrrp.auth_string", "vrrp.ip_addr",
		"_ws.expert.message", "ipv6.dst", "ipv6.hlim", "vrrp.ipv6_addr",
		"ip.src", "ipv6.src", "vrrp.prio",
	}
	tsharkWants = []string{ // version 2, with a password
		"eth:ethertype:ip:vrrp", "01:00:5e:00:00:12", "224.0.0.18", "255", "1", "2", "1", "51",
		"1", "1", "", "1", "s3cret77", "10.77.0.100", "", "", "", "",
	}
	tsharkWantsNone = []string{ // version 2, without
		"eth:ethertype:ip:vrrp", "01:00:5e:00:00:12", "224.0.0.18", "255", "1", "2", "1", "51",
		"1", "1", "", "0", "", "10.77.0.100", "", "", "", "",
	}
	tsharkWants6 = []string{ // version 3 on IPv6
		"eth:ethertype:ipv6:vrrp", "33:33:00:00:00:12", "", "", "", "3", "1", "51",
		"1", "", "10", "", "", "", "", "ff02::12", "255", "fd00:77::100",
	}
	tsharkWants3 = []string{ // version 3, each 100 ms
		"eth:ethertype:ip:vrrp", "01:00:5e:00:00:12", "224.0.0.18", "255", "1", "3", "1", "51",
		"1", "", "10", "", "", "10.77.0.100", "", "", "", "",
	}
)

// judge has Tandem's own codec read every frame and write the same, and tshark decode it as wanted; nil: not that. Of the
// routers, this one has resigned.
func (s *sniffer) judge(t *testing.T, resigned string, wants []string) {
	t.Helper()
	s.stop()
	for n, f := range s.seen() {
		roundTrip(t, n, f.bytes)
	}
	if wants == nil {
		return
	}
	path := filepath.Join(t.TempDir(), "vrrp.pcap")
	check(t, s.writePcap(path))
	args := []string{"-r", path, "-o", "ip.check_checksum:TRUE", "-T", "fields"}
	for _, f := range tsharkFields {
		args = append(args, "-e", f)
	}
	cmd := exec.CommandContext(t.Context(), peers.Find(t, "tshark"), args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir()) // no settings of the user's
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if got, want := len(lines), len(s.seen()); got != want {
		t.Errorf("tshark decoded %d packets of %d", got, want)
	}
	seen := map[string]int{}
	for n, line := range lines {
		values := strings.Split(line, "\t")
		if len(values) != len(tsharkFields) {
			t.Fatalf("packet %d: %d fields in %q, want %d", n, len(values), line, len(tsharkFields))
		}
		for i, want := range wants {
			if values[i] != want {
				t.Errorf("packet %d: tshark has %s %q, want %q: %s", n, tsharkFields[i], values[i], want, line)
			}
		}
		facts := values[len(wants):]
		seen[facts[0]+facts[1]+" priority "+facts[2]]++
	}
	t.Logf("tshark: %d packets, all VRRPv%s with correct checksums: %v", len(lines), wants[5], seen)
	if seen[resigned+" priority 0"] == 0 {
		t.Errorf("no advert of priority 0 from %s in %v", resigned, seen)
	}
}

// roundTrip has the codec read an advert off the wire, and write it.
func roundTrip(t *testing.T, n int, frame []byte) {
	t.Helper()
	var src, dst netip.Addr
	var message []byte // without the padding of a short frame
	if ip := frame[14:]; wire.BigEndian.Uint16(frame[12:]) == etherTypeIPv6 {
		src, dst = netip.AddrFrom16([16]byte(ip[8:])), netip.AddrFrom16([16]byte(ip[24:]))
		message = ip[40 : 40+wire.BigEndian.Uint16(ip[4:])]
	} else {
		src, dst = netip.AddrFrom4([4]byte(ip[12:])), netip.AddrFrom4([4]byte(ip[16:]))
		message = ip[20:wire.BigEndian.Uint16(ip[2:])]
	}
	var a vrrp.Advert
	if err := vrrp.Parse(message, src, dst, &a); err != nil {
		t.Errorf("packet %d of %v: %v: %x", n, src, err, message)
		return
	}
	if again, err := vrrp.Append(nil, src, dst, &a); err != nil || !bytes.Equal(again, message) {
		t.Errorf("packet %d of %v: got %x, %v written again, want %x", n, src, again, err, message)
	}
}

// rawSocket opens a socket that sends and receives whole frames on an interface of a node.
func rawSocket(t *testing.T, node *netlab.Node, iface string, filter []bpf.Instruction) *packet.Conn {
	t.Helper()
	const etherTypeAll = 3 // ETH_P_ALL: in both directions
	program, err := bpf.Assemble(filter)
	check(t, err)
	link, err := node.Netlink().LinkByName(iface)
	check(t, err)
	var conn *packet.Conn
	check(t, node.Do(func() error {
		conn, err = packet.Listen(&net.Interface{Index: link.Attrs().Index, Name: iface}, packet.Raw, etherTypeAll, &packet.Config{Filter: program})
		return err
	}))
	return conn
}
