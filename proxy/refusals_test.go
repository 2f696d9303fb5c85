package proxy_test

import (
	"io"
	"net/http"
	"testing"
	"time"
)

// What is no HTTP is counted by its reason.
func TestRefusalsAreCountedByReason(t *testing.T) {
	t.Parallel()
	c := backendOf(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return // the client's wait says so
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx") // an error shows at the client
		_ = conn.Close()
	})
	b, _, _ := runUntil(t, c, time.Second)
	for _, what := range []string{"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n", request} {
		_, r := send(t, b, what)
		if what == request {
			_, err := r.ReadByte() // of the 502; the connection lives on
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		if _, err := io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]int64{"host_missing": 2, "field_name": 1, "content_length_twice": 1}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		got := b.Snapshot().Frontends[0].Refusals
		if len(got) == len(want) && got["host_missing"] == 2 && got["field_name"] == 1 && got["content_length_twice"] == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}
