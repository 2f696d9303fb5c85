package health

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

// listen gives every connection of a listener on loopback to handle, and returns its address.
func listen(t *testing.T, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handle(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// refusing returns an address on loopback that refuses connections: a bound socket that never listens holds it.
func refusing(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(sa.(*syscall.SockaddrInet4).Port))
}

// look probes once. How long connecting took is different each time.
func look(ctx context.Context, c Check, t Target) outcome {
	found := c.kind().newProbe(t)(ctx, time.Minute)
	found.connect = 0
	return found
}

func probeOnce(t *testing.T, c Check, address netip.AddrPort, timeout time.Duration) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return look(ctx, c, Target{Backend: "web", Server: "web1", Address: address})
}

// R29 of the design: a check without more is a TCP connect.
func TestR29_TCP(t *testing.T) {
	t.Parallel()
	t.Run("listening", func(t *testing.T) {
		t.Parallel()
		got := probeOnce(t, Check{}, listen(t, func(net.Conn) {}), 5*time.Second)
		if want := (outcome{ok: true, text: "layer 4 connection established"}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("refusing", func(t *testing.T) {
		t.Parallel()
		got := probeOnce(t, Check{}, refusing(t), 5*time.Second)
		if want := (outcome{text: "layer 4 connection refused"}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("no time", func(t *testing.T) {
		t.Parallel()
		got := probeOnce(t, Check{}, refusing(t), 0)
		if want := (outcome{text: "layer 4 timeout"}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// answer sends response to each connection once its request head has arrived.
func answer(response string) func(net.Conn) {
	return func(conn net.Conn) {
		r := bufio.NewReader(conn)
		for {
			line, err := r.ReadString('\n')
			if err != nil || line == "\r\n" {
				break
			}
		}
		_, _ = conn.Write([]byte(response))
	}
}

// R31, R34 and R36 of the design: what an answer is worth, and how the verdict reads.
func TestR31_HTTPVerdicts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	tests := []struct {
		name     string
		check    HTTP
		response string
		want     outcome
	}{
		{"200", HTTP{}, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", outcome{ok: true, text: "HTTP status 200", code: 200}},
		{"200 of HTTP/1.0", HTTP{}, "HTTP/1.0 200 OK\r\n\r\nok", outcome{ok: true, text: "HTTP status 200", code: 200}},
		{"204", HTTP{}, "HTTP/1.1 204 No Content\r\n\r\n", outcome{ok: true, text: "HTTP status 204", code: 204}},
		{"399 is the last good one", HTTP{}, "HTTP/1.1 399 x\r\n\r\n", outcome{ok: true, text: "HTTP status 399", code: 399}},
		{"400 is not", HTTP{}, "HTTP/1.1 400 x\r\n\r\n", outcome{text: "HTTP status 400, want 200 to 399", code: 400}},
		{"redirects are not followed", HTTP{}, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", outcome{ok: true, text: "HTTP status 302", code: 302}},
		{"204 where only 200 will do", HTTP{Status: []Status{{200, 200}}}, "HTTP/1.1 204 x\r\n\r\n",
			outcome{text: "HTTP status 204, want 200", code: 204}},
		{"one of several", HTTP{Status: []Status{{200, 200}, {401, 401}}}, "HTTP/1.1 401 x\r\n\r\n", outcome{ok: true, text: "HTTP status 401", code: 401}},
		{"none of several", HTTP{Status: []Status{{200, 200}, {401, 401}}}, "HTTP/1.1 301 x\r\n\r\n",
			outcome{text: "HTTP status 301, want 200 or 401", code: 301}},
		{"first bytes of the body", HTTP{}, "HTTP/1.1 503 x\r\n\r\ndatabase is away\n",
			outcome{text: `HTTP status 503, want 200 to 399: "database is away"`, code: 503}},
		{"a body cannot forge a log line", HTTP{}, "HTTP/1.1 503 x\r\n\r\na\n[INFO] \x1b[2Jé",
			outcome{text: `HTTP status 503, want 200 to 399: "a\n[INFO] \x1b[2J\u00e9"`, code: 503}},
		{"a long body is cut", HTTP{}, "HTTP/1.1 503 x\r\n\r\n" + long,
			outcome{text: `HTTP status 503, want 200 to 399: "` + long[:maxQuote] + `"`, code: 503}},
		{"a long body of a good answer is not read to its end", HTTP{}, "HTTP/1.1 200 x\r\nContent-Length: 9999999\r\n\r\n" + long,
			outcome{ok: true, text: "HTTP status 200", code: 200}},
		{"interim answers", HTTP{}, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", outcome{ok: true, text: "HTTP status 200", code: 200}},
		{"nobody asked to switch", HTTP{}, "HTTP/1.1 101 Switching Protocols\r\n\r\n",
			outcome{text: "HTTP status 101, want 200 to 399", code: 101}},
		{"start of a range", HTTP{Status: []Status{{204, 204}, {300, 399}}}, "HTTP/1.1 300 x\r\n\r\n", outcome{ok: true, text: "HTTP status 300", code: 300}},
		{"behind a range", HTTP{Status: []Status{{204, 204}, {300, 398}}}, "HTTP/1.1 399 x\r\n\r\n",
			outcome{text: "HTTP status 399, want 204 or 300 to 398", code: 399}},
		{"body with the words", HTTP{Body: "is fine"}, "HTTP/1.1 200 OK\r\n\r\nall is fine here", outcome{ok: true, text: "HTTP status 200", code: 200}},
		{"body without them", HTTP{Body: "is fine"}, "HTTP/1.1 200 OK\r\n\r\nall is lost", outcome{text: `HTTP status 200, body without "is fine": "all is lost"`, code: 200}},
		{"the words behind the bound", HTTP{Body: "fine"}, "HTTP/1.1 200 OK\r\n\r\n" + long[:maxBody] + "fine",
			outcome{text: `HTTP status 200, body without "fine": "` + long[:maxQuote] + `"`, code: 200}},
		{"body that matches", HTTP{Regexp: `^\{"ok": *true`}, "HTTP/1.1 200 OK\r\n\r\n{\"ok\": true}", outcome{ok: true, text: "HTTP status 200", code: 200}},
		{"body that does not", HTTP{Regexp: "^ok$"}, "HTTP/1.1 200 OK\r\n\r\nnot ok", outcome{text: `HTTP status 200, body does not match "^ok$": "not ok"`, code: 200}},
		{"the status comes first", HTTP{Body: "ok", Status: []Status{{200, 200}}}, "HTTP/1.1 500 x\r\n\r\nok", outcome{text: `HTTP status 500, want 200: "ok"`, code: 500}},
		{"short body", HTTP{}, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok", outcome{text: "HTTP status 200, body: layer 7 answer ended early", code: 200}},
		{"no answer", HTTP{}, "", outcome{text: "layer 7 answer ended early"}},
		{"half a head", HTTP{}, "HTTP/1.1 200 OK\r\nA: b\r\n", outcome{text: "layer 7 answer ended early"}},
		{"no HTTP", HTTP{}, "SSH-2.0-x\r\n", outcome{text: `layer 7 malformed HTTP response "SSH-2.0-x"`}},
		{"HEAD has no body", HTTP{Method: "HEAD"}, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", outcome{ok: true, text: "HTTP status 200", code: 200}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address := listen(t, answer(tt.response))
			if got := probeOnce(t, Check{Kind: &tt.check}, address, 10*time.Second); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// A server that talks for ever fills no memory and is not waited for.
func TestEndlessAnswers(t *testing.T) {
	t.Parallel()
	const early = "layer 7 answer ended early"
	tests := []struct {
		name         string
		start, again string
		want         outcome
	}{
		{"head", "HTTP/1.1 200 OK\r\nA: ", strings.Repeat("x", 1000), outcome{text: early}},
		{"interim answers", "", strings.Repeat("HTTP/1.1 103\r\n\r\n", 64), outcome{text: early}},
		{"body", "HTTP/1.1 200 OK\r\n\r\n", "body", outcome{ok: true, text: "HTTP status 200", code: 200}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address := listen(t, func(conn net.Conn) {
				answer(tt.start)(conn)
				for err := error(nil); err == nil; {
					_, err = conn.Write([]byte(tt.again))
				}
			})
			if got := probeOnce(t, Check{Kind: &HTTP{}}, address, 2*time.Second); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestHTTPWithoutAnAnswerInTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		response string
		want     outcome
	}{
		{"silent server", "", outcome{text: "layer 7 timeout"}},
		{"stalled body", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok", outcome{code: 200, text: "HTTP status 200, body: layer 7 timeout"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address := listen(t, func(conn net.Conn) {
				answer(tt.response)(conn)
				_, _ = conn.Read(make([]byte, 1)) // until the prober gives up
			})
			if got := probeOnce(t, Check{Kind: &HTTP{}}, address, 100*time.Millisecond); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	t.Run("refusing", func(t *testing.T) {
		t.Parallel()
		if got, want := probeOnce(t, Check{Kind: &HTTP{}}, refusing(t), 5*time.Second), "layer 4 connection refused"; got.text != want {
			t.Errorf("got %+v, want %s", got, want)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		address := listen(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1))
			cancel()
			_, _ = conn.Read(make([]byte, 1000))
			_, _ = conn.Read(make([]byte, 1))
		})
		done := make(chan outcome, 1)
		go func() { done <- (&HTTP{}).newProbe(Target{Address: address})(ctx, time.Minute) }()
		select {
		case got := <-done:
			if got.ok {
				t.Errorf("got %+v, want no success", got)
			}
		case <-time.After(10 * time.Second):
			t.Error("the probe outlived its context by 10 s")
		}
	})
}

// R30 of the design: what a server is asked.
func TestR30_HTTPRequest(t *testing.T) {
	t.Parallel()
	var head string
	address := listen(t, func(conn net.Conn) {
		buf := make([]byte, 4096)
		n, _ := conn.Read(buf)
		head = string(buf[:n])
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	})
	tests := []struct {
		name  string
		check HTTP
		want  string
	}{
		{"defaults", HTTP{}, "GET / HTTP/1.1\r\nHost: ADDRESS\r\nUser-Agent: tandem-check\r\nConnection: close\r\n\r\n"},
		{"everything", HTTP{Method: "HEAD", Path: "/Health%2fx?full=1;y", Host: "localhost"},
			"HEAD /Health%2fx?full=1;y HTTP/1.1\r\nHost: localhost\r\nUser-Agent: tandem-check\r\nConnection: close\r\n\r\n"},
		{"fields", HTTP{Fields: []Field{{"x-Check", "of Tandem"}, {"User-Agent", "mine"}}},
			"GET / HTTP/1.1\r\nHost: ADDRESS\r\nUser-Agent: mine\r\nConnection: close\r\nX-Check: of Tandem\r\n\r\n"},
		{"own port", HTTP{Method: "OPTIONS", Port: address.Port()},
			"OPTIONS / HTTP/1.1\r\nHost: ADDRESS\r\nUser-Agent: tandem-check\r\nConnection: close\r\n\r\n"},
	}
	for _, tt := range tests {
		server := address
		if tt.check.Port != 0 {
			server = refusing(t)
		}
		if got := probeOnce(t, Check{Kind: &tt.check}, server, 5*time.Second); !got.ok {
			t.Errorf("%s: got %+v, want a success", tt.name, got)
		}
		if want := strings.ReplaceAll(tt.want, "ADDRESS", address.String()); head != want {
			t.Errorf("%s: got request\n%q, want\n%q", tt.name, head, want)
		}
	}
}

// Against a server of the standard library too, through the whole loop: R34, a server that listens but answers 500, and
// R36, what it answered is told.
func TestR34_R36_StuckServerIsUnhealthy(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "stuck", http.StatusInternalServerError)
	}))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	var got Result
	c := New(Check{Kind: &HTTP{Path: "/health"}}, Target{Address: netip.MustParseAddrPort(server.Listener.Addr().String())},
		hysteresis.Unknown, func(r Result) { got = r; cancel() })
	if err := c.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got.OK || got.Code != 500 || got.Text != `HTTP status 500, want 200 to 399: "stuck"` {
		t.Errorf("got %+v, want a failure with status 500 and its body", got)
	}
}

func TestFailureTextIsBounded(t *testing.T) {
	t.Parallel()
	got := failure(layer7, fmt.Errorf("odd: %w", errors.New(strings.Repeat("x", 1000))))
	if want := len("layer 7 ") + maxReason; len(got) != want {
		t.Errorf("got %d bytes, want %d", len(got), want)
	}
}
