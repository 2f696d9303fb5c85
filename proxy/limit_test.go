package proxy_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"testing"
	"time"
)

// R4, R5: "N+1st connects (SYN-ACK) but gets no bytes until one closes, then is served".
func TestR4R5ClientsBeyondTheLimitWait(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name              string
		process, frontend int
	}{{"R4 of the process", 2, 0}, {"R5 of the frontend", 0, 2}, {"the smaller one counts", 50, 2}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := backendOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }) // an error shows at the client
			c.MaxConnections, c.Frontends[0].MaxConnections = tt.process, tt.frontend
			b, _, _ := runUntil(t, c, time.Second)
			first, r1 := send(t, b, request)
			_, r2 := send(t, b, request)
			for _, r := range []interface{ ReadByte() (byte, error) }{r1, r2} {
				if _, err := r.ReadByte(); err != nil {
					t.Fatalf("below the limit: %v", err)
				}
			}
			third, r3 := send(t, b, request)
			_ = third.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			if _, err := r3.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("beyond the limit: got %v, want silence", err)
			}
			_ = third.SetReadDeadline(time.Now().Add(10 * time.Second))
			_ = first.Close()
			if _, err := r3.ReadByte(); err != nil {
				t.Errorf("after one has left: %v", err)
			}
			// More than there is room for, one after the other: nobody is forgotten.
			_ = third.Close()
			for range 20 {
				conn, r := send(t, b, request)
				if _, err := r.ReadByte(); err != nil {
					t.Fatalf("a later client: %v", err)
				}
				_ = conn.Close()
			}
		})
	}
}

// A reload that allows more lets those in who wait.
func TestReloadRaisesTheLimit(t *testing.T) {
	t.Parallel()
	c := backendOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }) // an error shows at the client
	c.Frontends[0].MaxConnections = 1
	b, _, _ := runUntil(t, c, time.Second)
	_, r1 := send(t, b, request)
	if _, err := r1.ReadByte(); err != nil {
		t.Fatal(err)
	}
	_, r2 := send(t, b, request)
	c.Frontends[0].MaxConnections = 2
	b.Reload(t, c)
	if _, err := r2.ReadByte(); err != nil {
		t.Errorf("got %v, want an answer", err)
	}
}
