package keeper

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

func TestWillsSurviveTheFile(t *testing.T) {
	t.Parallel()
	file := willFileOf(t.TempDir(), "lb1")
	want := map[string]will{"VI_1": testWill(), "VI_2": {RemoveAddress{Interface: "eth1", Prefix: testVIP}}}
	if err := file.save(want); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(string(file))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("got mode %o, want 600: adverts hold the password", got)
	}
	got, err := file.load()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := file.save(nil); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(string(file)), "*")); err != nil || len(left) != 0 {
		t.Errorf("got %v and %v, want no file without wills", left, err)
	}
}

// The journal is what the wills are, after each note; and it stays of the size of the wills.
func TestWillJournal(t *testing.T) {
	t.Parallel()
	file := willFileOf(t.TempDir(), "lb1")
	if err := os.WriteFile(string(file), []byte("of a former keeper"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := willJournal{file: file}
	all := map[string]will{}
	most := int64(0)
	for n := range 1000 {
		name := fmt.Sprintf("VI_%d", n%7)
		all[name] = testWill()[n%2:]
		if n%3 == 0 {
			delete(all, name)
		}
		if err := j.note(name, all); err != nil {
			t.Fatal(err)
		}
		got, err := file.load()
		if err != nil || !maps.EqualFunc(got, all, func(a, b will) bool { return reflect.DeepEqual(a, b) }) {
			t.Fatalf("after note %d: got %v and %v, want %v", n, got, err, all)
		}
		if info, err := os.Stat(string(file)); err == nil {
			most = max(most, info.Size())
		}
	}
	if most > 16<<10 {
		t.Errorf("the file of 7 wills grew to %d octets", most)
	}
}

// A file that somebody removed is written anew at the next note.
func TestWillJournalAfterAFailure(t *testing.T) {
	t.Parallel()
	file := willFileOf(t.TempDir(), "lb1")
	j := willJournal{file: file}
	all := map[string]will{"VI_1": testWill()}
	if err := errors.Join(j.note("VI_1", all), os.Remove(string(file))); err != nil {
		t.Fatal(err)
	}
	all["VI_2"] = testWill()
	if err := j.note("VI_2", all); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want it said that the file is gone", err)
	}
	if err := j.note("VI_2", all); err != nil {
		t.Fatal(err)
	}
	if got, err := file.load(); err != nil || !reflect.DeepEqual(got, all) {
		t.Errorf("got %v and %v, want both wills", got, err)
	}
}

func TestWillsThatAreRefused(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, text, want string }{
		{"an unknown kind", `{"VI_1":[{"op":"reboot","with":{}}]}`, `operation 1: unknown operation "reboot"`},
		{"an unknown field", `{"VI_1":[{"op":"remove_address","with":{"interface":"eth0","prefix":"10.0.0.1/24","x":1}}]}`, `operation 1: json: unknown field "x"`},
		{"no interface", `{"VI_1":[{"op":"remove_address","with":{"prefix":"10.0.0.1/24"}}]}`, "operation 1: remove an address: no interface given"},
		{"no address", `{"VI_1":[{"op":"remove_address","with":{"interface":"eth0"}}]}`, "operation 1: remove an address from eth0: no address given"},
		{"an empty packet", `{"VI_1":[{"op":"send_packet","with":{"interface":"eth0","dst":"224.0.0.18","data":""}}]}`, "operation 1: send a packet on eth0: 0 octets, want 1 to 1500"},
		{"no destination", `{"VI_1":[{"op":"send_packet","with":{"interface":"eth0","data":"IQ=="}}]}`, "operation 1: send a packet on eth0: no destination given"},
		{"a zone", `{"VI_1":[{"op":"send_packet","with":{"interface":"eth0","dst":"ff02::12%eth0","data":"IQ=="}}]}`, "operation 1: send a packet on eth0: destination ff02::12%eth0, want an address as it stands in a header"},
		{"IPv4 in IPv6", `{"VI_1":[{"op":"send_packet","with":{"interface":"eth0","dst":"::ffff:10.0.0.1","data":"IQ=="}}]}`, "operation 1: send a packet on eth0: destination ::ffff:10.0.0.1, want an address as it stands in a header"},
		{"a bad one behind a good one", `{"VI_1":[]}{"VI_1":[{"op":"reboot","with":{}}]}`, `operation 1: unknown operation "reboot"`},
		{"something behind it", `{} x`, "invalid character 'x' looking for beginning of value"},
		{"nothing", ``, "EOF"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseWills([]byte(tc.text)); err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func FuzzWills(f *testing.F) {
	text, err := json.Marshal(map[string]will{"VI_1": testWill()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	sealed, err := json.Marshal(map[string]will{"VI_1": {SendPacket(sealable(f, 0))}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte(`{"VI_1":[{"op":"reboot","with":{}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		wills, err := parseWills(text)
		if err != nil {
			return
		}
		once, err := json.Marshal(wills)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseWills(once)
		if err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		if twice, err := json.Marshal(again); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("got %s and %v, want %s", twice, err, once)
		}
	})
}

func FuzzRequest(f *testing.F) {
	for _, r := range []request{
		{Kind: askHello, Hello: &hello{Dir: "/run/tandem", Name: "lb1", Silence: defaultSilence}},
		{Kind: askWill, Instance: "VI_1", Will: testWill()},
		{Kind: askBeat, Instance: "VI_1", Beat: testBeat(100*ms, 1)},
	} {
		message, err := encodeRequest(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(message)
	}
	f.Add(encodeHeartbeat(1, "VI_1"))
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) == 0 {
			return
		}
		if ev, err := decodeHeartbeat(message[1:]); err == nil && !bytes.Equal(encodeHeartbeat(ev.sent, ev.instance)[1:], message[1:]) {
			t.Errorf("heartbeat %x came back as another one", message)
		}
		r, err := decodeRequest(message[1:])
		if err != nil {
			return
		}
		if r.Beat != nil && r.Beat.check() != nil {
			t.Errorf("a beat that can't be sent was taken: %v", r.Beat)
		}
	})
}

// journal is Effects that note what they are told.
type journal struct {
	lines   []string
	refuse  map[string]error // by line
	opened  int
	sendErr []error // of the senders opened, one after the other
}

func (j *journal) note(line string) error {
	j.lines = append(j.lines, line)
	return j.refuse[line]
}

func (j *journal) RemoveAddress(ifname string, prefix netip.Prefix) error {
	return j.note(fmt.Sprintf("remove %s from %s", prefix, ifname))
}

func (j *journal) OpenSender(w Way) (Sender, error) {
	j.opened++
	var err error
	if len(j.sendErr) > 0 {
		err, j.sendErr = j.sendErr[0], j.sendErr[1:]
	}
	return journalSender{j, w, err}, j.note("open " + w.String())
}

type journalSender struct {
	*journal
	way Way
	err error
}

func (s journalSender) Send(dst netip.Addr, packet []byte) error {
	if s.err != nil {
		return s.err
	}
	return s.note(fmt.Sprintf("send %x to %s on %s", packet, dst, s.way.Interface))
}

func (s journalSender) Close() error { return s.note("close " + s.way.String()) }

func TestReplay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := willFileOf(dir, "lb1")
	if err := file.save(map[string]will{"VI_2": testWill(), "VI_1": testWill()[:1]}); err != nil {
		t.Fatal(err)
	}
	var j journal
	n, err := Replay(dir, "lb1", &j)
	if n != 2 || err != nil {
		t.Errorf("got %d and %v, want 2 wills", n, err)
	}
	want := []string{
		"remove 10.77.0.100/24 from eth0",
		"remove 10.77.0.100/24 from eth0", "open eth0 for IPv4", "send 213300 to 224.0.0.18 on eth0",
		"close eth0 for IPv4",
	}
	if !slices.Equal(j.lines, want) {
		t.Errorf("got %q, want %q", j.lines, want)
	}
	if n, err := Replay(dir, "lb1", &j); n != 0 || err != nil {
		t.Errorf("the second time: got %d and %v, want no will left", n, err)
	}
}

func TestReplayGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := willFileOf(dir, "lb1").save(map[string]will{"VI_1": testWill()}); err != nil {
		t.Fatal(err)
	}
	j := journal{refuse: map[string]error{"remove 10.77.0.100/24 from eth0": errors.New("no")}}
	n, err := Replay(dir, "lb1", &j)
	if want := "will of VI_1: remove 10.77.0.100/24 from eth0: no"; n != 1 || err == nil || err.Error() != want {
		t.Errorf("got %d and %v, want 1 and %s", n, err, want)
	}
	if !slices.Contains(j.lines, "send 213300 to 224.0.0.18 on eth0") {
		t.Errorf("got %q, want the packet sent all the same", j.lines)
	}
}

func TestReplayLeavesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "lb1.will")
	if err := os.WriteFile(path, []byte(`{"VI_1":[{"op":"reboot","with":{}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Replay(dir, "lb1", &journal{})
	if want := fmt.Sprintf("read the wills in %s: operation 1: unknown operation %q", path, "reboot"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
}

func TestASenderThatFailsIsOpenedAnewOnce(t *testing.T) {
	t.Parallel()
	gone := errors.New("no such device")
	packet := Packet{Interface: "eth0", Dst: testDst, Data: []byte{1}}

	j := journal{sendErr: []error{gone}}
	if err := newHands(&j).send(packet); err != nil {
		t.Errorf("the interface was made anew: got %v, want it sent", err)
	}
	if want := []string{"open eth0 for IPv4", "close eth0 for IPv4", "open eth0 for IPv4", "send 01 to 224.0.0.18 on eth0"}; !slices.Equal(j.lines, want) {
		t.Errorf("got %q, want %q", j.lines, want)
	}

	j = journal{sendErr: []error{gone, gone, gone}}
	if err := newHands(&j).send(packet); !errors.Is(err, gone) || j.opened != 2 {
		t.Errorf("got %v after %d senders, want %v after 2", err, j.opened, gone)
	}
}

// A socket serves one family: a pair of instances on one interface needs two.
func TestEachFamilyHasItsSender(t *testing.T) {
	t.Parallel()
	var j journal
	h := newHands(&j)
	four := Packet{Interface: "eth0", Dst: testDst, Data: []byte{4}}
	six := Packet{Interface: "eth0", Dst: netip.MustParseAddr("ff02::12"), Data: []byte{6}}
	if err := h.ready(ways(will{SendPacket(four), RemoveAddress{Interface: "eth0", Prefix: testVIP}, SendPacket(six)})...); err != nil {
		t.Fatal(err)
	}
	for _, p := range []Packet{four, six} {
		if err := h.send(p); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"open eth0 for IPv4", "open eth0 for IPv6", "send 04 to 224.0.0.18 on eth0", "send 06 to ff02::12 on eth0"}
	if !slices.Equal(j.lines, want) {
		t.Errorf("got %q, want %q", j.lines, want)
	}
}
