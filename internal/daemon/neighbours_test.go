package daemon

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/tracker"
)

// toldLinks tells the links it is given.
type toldLinks chan tracker.Link

func (l toldLinks) Watch(ctx context.Context, _ string, f func(tracker.Link)) error {
	for {
		select {
		case link := <-l:
			f(link)
		case <-ctx.Done():
			return nil
		}
	}
}

func TestNeighboursAreAskedWhenACableIsBack(t *testing.T) {
	up, out := tracker.Link{Exists: true, Up: true, Carrier: true}, tracker.Link{Exists: true, Up: true}
	for _, tt := range []struct {
		name  string
		links []tracker.Link
		want  int
	}{
		{"usable from the beginning", []tracker.Link{up, up}, 0},
		{"back after its cable was out", []tracker.Link{up, out, up}, 1},
		{"out at the start", []tracker.Link{out, out, up}, 1},
		{"made anew", []tracker.Link{up, {}, up, up}, 1},
		{"out twice", []tracker.Link{up, out, up, out, up}, 2},
		{"out and not back", []tracker.Link{up, out}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				links := make(toldLinks)
				var asked []string
				n := newNeighbours(links, func(name string) (int, error) {
					asked = append(asked, name)
					return 1, nil
				}, hclog.NewNullLogger())
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				go func() { _ = n.Run(ctx) }()
				var told []tracker.Link
				go func() { _ = n.Watch(ctx, "eth0", func(l tracker.Link) { told = append(told, l) }) }()
				for _, l := range tt.links {
					links <- l
					synctest.Wait()
					time.Sleep(2 * askEvery * askTimes)
					synctest.Wait()
				}
				if !slices.Equal(told, tt.links) {
					t.Errorf("told: got %v, want %v", told, tt.links)
				}
				if want := slices.Repeat([]string{"eth0"}, askTimes*tt.want); !slices.Equal(asked, want) {
					t.Errorf("asked: got %v, want %v", asked, want)
				}
			})
		})
	}
}

// The first question is asked at once, and a second's worth follows, also when the
// cable goes and comes back meanwhile.
func TestNeighboursAreAskedForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		n := newNeighbours(nil, func(string) (int, error) {
			at = append(at, time.Since(start))
			return 0, nil
		}, hclog.NewNullLogger())
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = n.Run(ctx) }()
		n.again("eth0")
		time.Sleep(250 * time.Millisecond)
		n.again("eth0")
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond}
		for i := range time.Duration(askTimes) {
			want = append(want, 250*time.Millisecond+i*askEvery)
		}
		if !slices.Equal(at, want) {
			t.Errorf("asked at %v, want %v", at, want)
		}
	})
}

// A kernel that refuses is told about, and asked again the next time.
func TestNeighboursThatCannotBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		tries := 0
		n := newNeighbours(nil, func(string) (int, error) {
			tries++
			return 0, errors.New("ask for neighbours on eth0: operation not permitted")
		}, hclog.New(&hclog.LoggerOptions{Output: &log}))
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = n.Run(ctx) }()
		for range 2 {
			n.again("eth0")
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		if tries != 2 || strings.Count(log.String(), "operation not permitted") != 2 {
			t.Errorf("got %d tries and log\n%s", tries, log.String())
		}
	})
}
