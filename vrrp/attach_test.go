package vrrp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPostBeforeRunComesBeforeStartup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newHost(t, new(lan), "10.0.0.1", nil, nil, withPriority(255))
		a.group.Post("VI_1", FaultChanged{[]string{"eth0 is down"}})
		a.group.Post("nobody", Shutdown{})
		a.start()
		synctest.Wait()
		if got, want := a.actions(), []string{"VI_1 INIT>FAULT"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		a.stop()
		a.group.Post("VI_1", FaultChanged{}) // nobody is there to take it
	})
}

func TestNewGroupRefuses(t *testing.T) {
	link, err := NewLink(LinkConfig{Interface: "eth0", Listen: new(lan).listen})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := testConfig()
	elsewhere.Interface = "eth1"
	for _, tt := range []struct {
		name string
		cfgs []Config
		want string
	}{
		{"an invalid instance", []Config{withPriority(0)}, "instance VI_1: priority 0, want 1 to 255"},
		{"an interface without a link", []Config{elsewhere}, "instance VI_1: no IPv4 link for interface eth1"},
		{"a name twice", []Config{testConfig(), testConfig()}, "instance VI_1: the name is taken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewGroup(GroupConfig{Instances: tt.cfgs, Links: map[string]*Link{"eth0": link}})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestRunRefusesAVRIDTwice(t *testing.T) {
	l := new(lan)
	a := newHost(t, l, "10.0.0.1", nil, nil, testConfig())
	if err := a.group.attach(); err != nil {
		t.Fatal(err)
	}
	other := testConfig()
	other.Name = "VI_2"
	g, err := NewGroup(GroupConfig{Instances: []Config{other}, Links: map[string]*Link{"eth0": a.link}})
	if err != nil {
		t.Fatal(err)
	}
	const want = "instance VI_2: VRID 51 on eth0 belongs to instance VI_1"
	if err := g.Run(t.Context()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLinkOpensItsInterfaceAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		var mu sync.Mutex
		missing := true
		listen := func(name string) (Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			if missing {
				return nil, fmt.Errorf("open a VRRP socket on %s: %w", name, ErrNoInterface)
			}
			return l.listen(name)
		}
		link, err := NewLink(LinkConfig{Interface: "bond0", Listen: listen})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(link.send(Packet{})), "send an advert on bond0: the interface is not open"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = link.Run(ctx) }()
		time.Sleep(2500 * time.Millisecond)
		mu.Lock()
		missing = false
		mu.Unlock()
		time.Sleep(checkEvery)
		if err := link.send(Packet{Dst: groupIPv4(), Data: packetFrom(t, "10.0.0.1", 100, nil)}); err != nil {
			t.Errorf("the interface has appeared: %v", err)
		}
		first := (*link.conn.Load()).(*fakeConn)
		first.mu.Lock()
		first.gone = errors.New("bond0: interface was made anew")
		first.mu.Unlock()
		time.Sleep(2 * checkEvery)
		synctest.Wait()
		if conn := link.conn.Load(); conn == nil || *conn == Conn(first) || !first.closed {
			t.Error("the interface was made anew, the socket was not")
		}
		cancel()
		<-done
	})
}

func TestNewLinkFailsForGood(t *testing.T) {
	want := errors.New("operation not permitted")
	_, err := NewLink(LinkConfig{Interface: "eth0", Listen: func(string) (Conn, error) { return nil, want }})
	if err != want {
		t.Errorf("got %v, want %v", err, want)
	}
}
