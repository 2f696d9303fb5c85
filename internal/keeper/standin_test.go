package keeper

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The environment of a stand-in and its keeper.
const (
	standInName = "tandem-standin"
	envDir      = "STANDIN_DIR"      // the runtime directory
	envNews     = "STANDIN_NEWS"     // a named pipe: what the keeper does
	envHoldUp   = "STANDIN_HOLD_UP"  // a named pipe: each removal takes an octet of it; empty: none does
	envInterval = "STANDIN_INTERVAL" // of VI_1's beat
	envLogJSON  = "STANDIN_LOG_JSON" // whether its log is JSON; empty: text
	envRealTime = "STANDIN_REALTIME" // Config.RTPriority; empty: 0
)

// standIn is a daemon as far as the keeper can tell: it holds two instances' addresses, beats for one of them, and obeys
// commands on its standard input. It says on its standard output what it sees of the keeper.
func standIn() int {
	if err := stand(); err != nil {
		fmt.Fprintln(os.Stderr, "stand-in:", err)
		return 1
	}
	return 0
}

func stand() error {
	lock, err := os.OpenFile(os.Getenv(envDir)+"/lb1.lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	priority, _ := strconv.Atoi(os.Getenv(envRealTime))
	c, err := Start(Config{Dir: os.Getenv(envDir), Name: "lb1", LockFile: lock, LogJSON: os.Getenv(envLogJSON) != "", RTPriority: priority})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()

	for i, name := range []string{"VI_1", "VI_2"} {
		prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 77, 0, byte(100 + i)}), 24)
		err := c.SetWill(name, []Op{
			RemoveAddress{Interface: "eth0", Prefix: prefix},
			SendPacket{Interface: "eth0", Dst: testDst, Data: []byte{0x21, byte(51 + i), 0}},
		})
		if err != nil {
			return err
		}
	}
	interval, err := time.ParseDuration(os.Getenv(envInterval))
	if err != nil {
		return err
	}
	if err := c.SetBeat("VI_1", *testBeat(interval, 0x21, 51, 101)); err != nil {
		return err
	}
	var mute atomic.Bool
	go heartbeats(ctx, c, &mute)
	say("ready")

	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "panic":
			go panic("the stand-in was told to")
		case "mute":
			mute.Store(true)
		case "eat":
			eat()
		case "cancel":
			if err := c.SetWill("VI_1", nil); err != nil {
				return err
			}
			if err := c.StopBeat("VI_1"); err != nil {
				return err
			}
			say("cancelled")
		case "status":
			text, err := json.Marshal(c.Status())
			if err != nil {
				return err
			}
			say(string(text))
		case "close":
			if err := c.Close(); err != nil {
				return err
			}
			cancel()
			return <-ran
		}
	}
	return nil // the test has gone; the will is carried out
}

func say(line string) { _, _ = os.Stdout.WriteString(line + "\n") }

// heartbeats beats as the state machine's loops do, and tells when the keeper goes and comes.
func heartbeats(ctx context.Context, c *Client, mute *atomic.Bool) {
	alive := true
	for ctx.Err() == nil {
		if now := c.Alive(); now != alive {
			alive = now
			say("alive " + strconv.FormatBool(now))
		}
		if !mute.Load() {
			c.Heartbeat("VI_1")
		}
		c.Heartbeat("VI_2")
		c.Heartbeat("VI_3") // has neither will nor beat
		time.Sleep(20 * time.Millisecond)
	}
}

// eat takes memory until somebody minds.
func eat() {
	var eaten [][]byte
	for range 4096 {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		eaten = append(eaten, b)
	}
	say(fmt.Sprintf("ate %d MiB and nobody minded", len(eaten)))
}

// news are Effects that tell the test, by a named pipe, what they did and when.
type news struct{ pipe *os.File }

func newNews() news {
	pipe, err := os.OpenFile(os.Getenv(envNews), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, "keeper under test:", err)
		os.Exit(3)
	}
	return news{pipe}
}

// tell writes "TIME TEXT", TIME in nanoseconds of CLOCK_BOOTTIME.
func (n news) tell(format string, args ...any) error {
	_, err := fmt.Fprintf(n.pipe, "%d %s\n", bootTime(), fmt.Sprintf(format, args...))
	return err
}

func (n news) RemoveAddress(ifname string, prefix netip.Prefix) error {
	err := n.tell("remove %s from %s", prefix, ifname)
	if gate := os.Getenv(envHoldUp); gate != "" {
		f, openErr := os.OpenFile(gate, os.O_RDWR, 0)
		if openErr != nil {
			return openErr
		}
		_, readErr := f.Read(make([]byte, 1))
		err = errors.Join(err, readErr, f.Close())
	}
	return err
}

func (n news) OpenSender(w Way) (Sender, error) {
	return newsSender{n, w.Interface}, n.tell("open %s", w.Interface)
}

type newsSender struct {
	news
	ifname string
}

func (s newsSender) Send(dst netip.Addr, packet []byte) error {
	return s.tell("send %x to %s on %s", packet, dst, s.ifname)
}

func (s newsSender) Close() error { return nil }

// isAdvert says whether a line of news is an advert of VI_1's beat.
func isAdvert(text string) bool { return strings.HasPrefix(text, "send 213365 ") }
