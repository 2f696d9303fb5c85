package drill

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clientOf asks a server on loopback.
func clientOf(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &Client{
		Address: s.Listener.Addr().String(), Interval: time.Millisecond, Deadline: 5 * time.Second,
		Dial: new(net.Dialer).DialContext, Record: &Record{},
	}
}

func TestClientTellsWhoAnswered(t *testing.T) {
	c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Close { // each request has a connection of its own
			w.Header().Set(ServerHeader, "web1")
		}
	})
	if o := c.ask(); o.Err != nil || o.Server != "web1" || o.Start.IsZero() || o.End.Before(o.Start) {
		t.Errorf("got %+v", o)
	}
}

func TestClientCountsAsFailed(t *testing.T) {
	t.Run("another status", func(t *testing.T) {
		c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
		if o := c.ask(); o.Err == nil || o.Err.Error() != "status 503 Service Unavailable" {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("no answer in time", func(t *testing.T) {
		over := make(chan struct{})
		c := clientOf(t, func(http.ResponseWriter, *http.Request) { <-over })
		defer close(over)
		c.Deadline = 20 * time.Millisecond
		if o := c.ask(); !errors.Is(o.Err, os.ErrDeadlineExceeded) || o.End.Sub(o.Start) < c.Deadline {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("a connection that breaks", func(t *testing.T) {
		c := clientOf(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		if o := c.ask(); o.Err == nil || !strings.Contains(o.Err.Error(), "EOF") {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c := &Client{Address: l.Addr().String(), Deadline: 5 * time.Second, Dial: new(net.Dialer).DialContext}
		_ = l.Close()
		if o := c.ask(); !errors.Is(o.Err, syscall.ECONNREFUSED) {
			t.Errorf("got %+v", o)
		}
	})
}

// A request that is out when the run ends is waited for: cut short it would count as failed.
func TestClientFinishesWhatItBegan(t *testing.T) {
	asked, answer := make(chan struct{}, 1000), make(chan struct{})
	c := clientOf(t, func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-answer
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	<-asked
	cancel()
	close(answer)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if s := c.Record.Since(time.Time{}); s.Requests == 0 || s.Failed != 0 {
		t.Errorf("got %v, want no failure", s)
	}
}

func TestGoodRun(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond) }
	r := &Record{}
	for n, err := range []error{nil, errors.New("no route"), nil, nil} {
		r.Add(Outcome{Start: at(n), End: at(n), Err: err})
	}
	for _, tt := range []struct{ since, want int }{{0, 2}, {3, 1}, {4, 0}} {
		if got := r.goodRun(at(tt.since)); got != tt.want {
			t.Errorf("since %d ms: %d, want %d", tt.since, got, tt.want)
		}
	}
	if last, ok := r.Last(); !ok || !last.Start.Equal(at(3)) {
		t.Errorf("last %+v, %v", last, ok)
	}
}
