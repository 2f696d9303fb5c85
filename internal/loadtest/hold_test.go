package loadtest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// holding is a holder of 50 connections to a server, by the pipes of its process.
type holding struct {
	asks    *json.Encoder
	answers *json.Decoder
	ended   chan error // one value, sent when Hold returns
	hangUp  func() error
}

func hold(t *testing.T, address string) *holding {
	t.Helper()
	in, asks := io.Pipe()
	answers, out := io.Pipe()
	h := &holding{asks: json.NewEncoder(asks), answers: json.NewDecoder(answers), ended: make(chan error, 1), hangUp: asks.Close}
	go func() {
		err := Hold(HoldConfig{
			Address: netip.MustParseAddrPort(address), Connections: 50, Seed: 1,
			Sources: []netip.Addr{netip.MustParseAddr("127.0.0.21"), netip.MustParseAddr("127.0.0.22")},
		}, in, out)
		_ = out.CloseWithError(err) // io.EOF for nil
		_ = in.Close()
		h.ended <- err
	}()
	return h
}

func (h *holding) want(t *testing.T, want Held) {
	t.Helper()
	var got Held
	if err := h.answers.Decode(&got); err != nil || got != want {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestHolderHoldsAndAsks(t *testing.T) {
	var first net.Listener
	origins, err := NewOrigins(t.Context(), []string{"127.0.0.1:0"}, func(ctx context.Context, address string) (l net.Listener, err error) {
		first, err = listen(ctx, address)
		return first, err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer origins.Close()
	h := hold(t, first.Addr().String())
	h.want(t, Held{Open: 50, Answered: 50})
	for _, n := range []int{1, 50, 7} {
		if err := h.asks.Encode(Ask{n}); err != nil {
			t.Fatal(err)
		}
		h.want(t, Held{Open: 50, Answered: n})
	}
	for _, err := range origins.Faults() {
		t.Error(err)
	}
	if err := h.hangUp(); err != nil {
		t.Fatal(err)
	}
	if err := <-h.ended; err != nil {
		t.Error(err)
	}
}

// A balancer that ends idle connections, or answers badly, is found out.
func TestHolderNotices(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve func(c net.Conn, r *bufio.Reader)
		want  string
	}{
		{"a connection that ends", func(net.Conn, *bufio.Reader) {}, "the balancer ended a connection; "},
		{"a bad response", func(c net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(c, "HTTP/1.1 503 No\r\n\r\n")
			_, _ = io.Copy(io.Discard, r)
		}, `a response of "HTTP/1.1 503 No", and 0 octets behind it`},
		{"a response too many", func(c net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(c, strings.Repeat("HTTP/1.1 200 OK\r\n\r\n", 2))
			_, _ = io.Copy(io.Discard, r)
		}, `a response of "HTTP/1.1 200 OK", and 19 octets behind it`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, err := listen(t.Context(), "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer conn.Close()
						r := bufio.NewReader(conn)
						_, _ = r.ReadString('\n') // the request has begun
						c.serve(conn, r)
					}()
				}
			}()
			h := hold(t, l.Addr().String())
			var got Held
			err = h.answers.Decode(&got)
			_ = h.hangUp() // it has ended, or is to
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || errors.Is(err, io.EOF) {
				t.Errorf("got %+v, %v, want %s", got, err, c.want)
			}
			<-h.ended
		})
	}
}
