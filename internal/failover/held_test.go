package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// What is held ends well with a server that answers, and is lost, each under its kind, with one that does not.
func TestHeld(t *testing.T) {
	if testing.Short() {
		t.Skip("what is held takes seconds")
	}
	all := tally{slowRequests, idleConnections, downloads, uploads}
	for _, tt := range []struct {
		name string
		then func(*httptest.Server) // after all is held
		want tally
	}{
		{"nothing happens", func(*httptest.Server) {}, tally{}},
		{"the server ends", func(s *httptest.Server) { s.Listener.Close(); s.CloseClientConnections() }, all},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var site site
			s := httptest.NewServer(site.handler("web1"))
			t.Cleanup(s.Close)
			h := held{address: s.Listener.Addr().String(), dial: new(net.Dialer).DialContext, grace: 30 * time.Second}
			defer h.close()
			if err := h.begin(t.Context(), site.begun.Load); err != nil {
				t.Fatal(err)
			}
			tt.then(s)
			if got := h.release(); got != tt.want {
				t.Errorf("lost %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestVisitorWantsAllOfAnAnswer(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*visitor) error
		h    http.HandlerFunc
		want string
	}{
		{"another status", func(v *visitor) error { return v.get("/", time.Second) },
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "status 503 Service Unavailable"},
		{"half a body", func(v *visitor) error { return v.get("/", time.Second) },
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "10")
				_, _ = w.Write([]byte("half"))
			}, "unexpected EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(tt.h)
			t.Cleanup(s.Close)
			h := held{address: s.Listener.Addr().String(), dial: new(net.Dialer).DialContext}
			v, err := h.visit(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer v.close()
			if err := tt.do(v); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// What does not reach a server in time is no load, and says so.
func TestHoldWantsServersToHaveIt(t *testing.T) {
	if testing.Short() {
		t.Skip("what is held takes seconds")
	}
	t.Parallel()
	var site site
	s := httptest.NewServer(site.handler("web1"))
	t.Cleanup(s.Close)
	h := held{address: s.Listener.Addr().String(), dial: new(net.Dialer).DialContext}
	defer h.close()
	err := h.begin(t.Context(), func() int64 { return 0 })
	if want := "hold requests: 30 of them did not reach a server"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
