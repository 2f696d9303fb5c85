package proxytest

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

// h2Queues are the cases of requests that wait for a server, of clients that speak HTTP/2.
func h2Queues(t *testing.T, start Start) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *http2Site)
	}{
		{"streams_are_served_in_turn", h2QueueOrder},
		{"a_stream_that_is_reset_leaves", h2QueueAborts},
		{"waiting_has_an_end", h2QueueTimeout},
	} {
		plainAndTLS(t, c.name, func(t *testing.T, secure bool) { c.run(t, &http2Site{start: start, secure: secure}) })
	}
}

// h2Asks has a client ask, whose statuses the channel gets, 0 for none.
func (s *http2Site) h2Asks(ctx context.Context, t *testing.T, all *sync.WaitGroup, c *http.Client, path string) <-chan int {
	status := make(chan int, 1) // sent to once, by the client
	all.Go(func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url(path), nil)
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := c.Do(req)
		if err != nil {
			status <- 0
			return
		}
		_ = resp.Body.Close() // the status is what counts
		status <- resp.StatusCode
	})
	return status
}

// h2QueueOrder: streams of one connection, and of another one, have their turn in the order in which they came.
func h2QueueOrder(t *testing.T, s *http2Site) {
	app := serveNarrow(t, "app")
	b := s.serve(t, narrowSite(app))
	clients := []*http.Client{s.client(t, web(t, b)), s.client(t, web(t, b))}
	var all sync.WaitGroup
	defer all.Wait()
	var statuses []<-chan int
	const most = 8
	for n := range most {
		statuses = append(statuses, s.h2Asks(t.Context(), t, &all, clients[n%2], "/"+itoa(n)))
		if n == 0 {
			if got := app.gets(t); got != "/0" {
				t.Fatalf("got %s, want /0", got)
			}
		}
		waiting(t, b, int64(n))
	}
	for n, status := range statuses {
		app.answers <- struct{}{}
		if got := <-status; got != 200 {
			t.Errorf("request %d: got %d, want 200", n, got)
		}
		if n == most-1 {
			break
		}
		if got, want := app.gets(t), "/"+itoa(n+1); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if most := app.most.Load(); most != 1 {
		t.Errorf("the server had %d requests at once, want 1", most)
	}
}

// h2QueueAborts: a stream that its client resets leaves the queue; the connection and its other streams stay.
func h2QueueAborts(t *testing.T, s *http2Site) {
	app := serveNarrow(t, "app")
	b := s.serve(t, narrowSite(app))
	client := s.client(t, web(t, b))
	var all sync.WaitGroup
	defer all.Wait()
	first := s.h2Asks(t.Context(), t, &all, client, "/first")
	app.gets(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	gone := s.h2Asks(ctx, t, &all, client, "/gone")
	waiting(t, b, 1)
	second := s.h2Asks(t.Context(), t, &all, client, "/second")
	waiting(t, b, 2)
	cancel()
	if got := <-gone; got != 0 {
		t.Errorf("who has left got %d", got)
	}
	waiting(t, b, 1)
	app.answers <- struct{}{}
	if got := <-first; got != 200 {
		t.Errorf("the first: got %d, want 200", got)
	}
	if got := app.gets(t); got != "/second" {
		t.Errorf("the server got %s, want /second", got)
	}
	app.answers <- struct{}{}
	if got := <-second; got != 200 {
		t.Errorf("the second: got %d, want 200", got)
	}
	if n := b.Snapshot().Frontends[0].Accepted; n != 1 {
		t.Errorf("%d connections were made, want 1", n)
	}
}

// h2QueueTimeout: a stream that has waited for too long gets 503, and so does one that comes when too many wait.
func h2QueueTimeout(t *testing.T, s *http2Site) {
	app := serveNarrow(t, "app")
	c := narrowSite(app)
	c.Backends[0].Timeouts.Queue, c.Backends[0].MaxQueue = 5*moment, 1
	b := s.serve(t, c)
	client := s.client(t, web(t, b))
	var all sync.WaitGroup
	defer all.Wait()
	first := s.h2Asks(t.Context(), t, &all, client, "/first")
	app.gets(t)
	began := time.Now()
	late := s.h2Asks(t.Context(), t, &all, client, "/late")
	if got := <-late; got != 503 || time.Since(began) < 5*moment {
		t.Errorf("who came late: got %d after %v, want 503 after %v", got, time.Since(began), 5*moment)
	}
	waiting(t, b, 0)
	c.Backends[0].Timeouts.Queue = time.Minute
	b.Reload(t, c)
	patient := s.h2Asks(t.Context(), t, &all, client, "/patient")
	waiting(t, b, 1)
	if r := s.do(t, client, "GET", "/many", nil, http.Header{}); r.status != 503 {
		t.Errorf("who is one too many: got %d, want 503", r.status)
	}
	for _, status := range []<-chan int{first, patient} {
		app.answers <- struct{}{}
		if got := <-status; got != 200 {
			t.Errorf("got %d, want 200", got)
		}
	}
	if n := app.calls(); n != 2 {
		t.Errorf("the server got %d requests, want 2", n)
	}
}
