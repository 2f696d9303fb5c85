package health

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

// grpcMessage is a message as gRPC frames it.
func grpcMessage(b string) string {
	return string(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(b)))) + b
}

// grpcHandler is a gRPC server that knows the health of some services, by net/http.
func grpcHandler(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.Method != "POST" || r.URL.Path != "/grpc.health.v1.Health/Check" || r.Header.Get("Content-Type") != "application/grpc" || r.Header.Get("Te") != "trailers" {
		http.Error(w, "no health here", http.StatusNotFound)
		return
	}
	answer := func(status, words, message string) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
		_, _ = io.WriteString(w, message)
		w.Header().Set("Grpc-Status", status)
		w.Header().Set("Grpc-Message", words)
	}
	switch service := string(body); service {
	case grpcMessage(""):
		answer("0", "", grpcMessage("\x08\x01"))
	case grpcMessage("\x0a\x04shop"):
		answer("0", "", grpcMessage("\x12\x02hi\x08\x01\x19abcdefgh\x25abcd")) // fields of later versions around it
	case grpcMessage("\x0a\x05stock"):
		answer("0", "", grpcMessage("\x08\x02"))
	case grpcMessage("\x0a\x03new"):
		answer("0", "", grpcMessage("\x08\x09"))
	case grpcMessage("\x0a\x04none"):
		answer("0", "", grpcMessage(""))
	case grpcMessage("\x0a\x05lost?"[:7]):
		w.Header().Set("Grpc-Status", "5") // a head alone
		w.Header().Set("Grpc-Message", "unknown service")
	case grpcMessage("\x0a\x03odd"):
		answer("0", "", grpcMessage("\x08"))
	case grpcMessage("\x0a\x03cut"):
		answer("0", "", grpcMessage("\x08\x01")[:6])
	case grpcMessage("\x0a\x04code"):
		answer("many", "", grpcMessage("\x08\x01"))
	case grpcMessage("\x0a\x03web"):
		_, _ = io.WriteString(w, "hello")
	default:
		http.Error(w, "what?", http.StatusTeapot)
	}
}

// The health of a gRPC server, by the protocol that grpc.io has for it.
func TestGRPC(t *testing.T) {
	t.Parallel()
	secure, plain := httptest.NewUnstartedServer(http.HandlerFunc(grpcHandler)), httptest.NewUnstartedServer(http.HandlerFunc(grpcHandler))
	for _, s := range []*httptest.Server{secure, plain} {
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetHTTP2(true)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		t.Cleanup(s.Close)
	}
	secure.EnableHTTP2 = true
	secure.StartTLS()
	plain.Start()
	config := &tls.Config{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com", NextProtos: []string{"http/1.1"}}
	for _, tt := range []struct {
		service string
		want    outcome
	}{
		{"", outcome{ok: true, text: "gRPC health SERVING"}},
		{"shop", outcome{ok: true, text: "gRPC health SERVING"}},
		{"stock", outcome{text: "gRPC health NOT_SERVING, want SERVING"}},
		{"new", outcome{text: "gRPC health 9, want SERVING"}},
		{"none", outcome{text: "gRPC health UNKNOWN, want SERVING"}},
		{"lost?", outcome{text: `gRPC status 5: "unknown service"`, code: 5}},
		{"odd", outcome{text: "layer 7 malformed gRPC: no whole message that is not compressed"}},
		{"cut", outcome{text: "layer 7 malformed gRPC: no whole message that is not compressed"}},
		{"code", outcome{text: `layer 7 malformed grpc-status: "many"`}},
		{"web", outcome{text: "layer 7 no grpc-status: this is no gRPC"}},
		{"teapot", outcome{text: `HTTP status 418, want 200: "what?"`, code: 418}},
	} {
		t.Run(tt.service, func(t *testing.T) {
			t.Parallel()
			for s, config := range map[*httptest.Server]*tls.Config{secure: config, plain: nil} {
				at := netip.MustParseAddrPort(s.Listener.Addr().String())
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if got := look(ctx, Check{Kind: &GRPC{Service: tt.service}}, Target{Address: at, TLS: config}); got != tt.want {
					t.Errorf("TLS %t: got  %+v\nwant %+v", config != nil, got, tt.want)
				}
				// At a port of its own: TLS only where it is the check's own.
				away := Target{Address: netip.AddrPortFrom(at.Addr(), 1), TLS: config, OwnTLS: true}
				if got := look(ctx, Check{Kind: &GRPC{Service: tt.service, Port: at.Port()}}, away); got != tt.want {
					t.Errorf("a port of its own, TLS %t: got  %+v\nwant %+v", config != nil, got, tt.want)
				}
			}
		})
	}
	t.Run("no HTTP/2", func(t *testing.T) {
		t.Parallel()
		old := httptest.NewUnstartedServer(http.HandlerFunc(grpcHandler))
		old.Config.ErrorLog = log.New(io.Discard, "", 0)
		old.StartTLS()
		t.Cleanup(old.Close)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		target := Target{Address: netip.MustParseAddrPort(old.Listener.Addr().String()), TLS: &tls.Config{InsecureSkipVerify: true}}
		if got := look(ctx, Check{Kind: &GRPC{}}, target); got.ok || got.text != "layer 6 remote error: tls: no application protocol" {
			t.Errorf("got %+v", got)
		}
	})
}

// FuzzHealthStatus: whatever a server sends is judged, and only one status is SERVING.
func FuzzHealthStatus(f *testing.F) {
	for _, s := range []string{"", "\x08\x01", "\x08\x02", "\x12\x02hi\x08\x01", "\x08", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		f.Add([]byte(grpcMessage(s)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		status, err := healthStatus(b)
		if err != nil && status != 0 {
			t.Errorf("got status %d with %v", status, err)
		}
		got := judgeGRPC(&answer2{status: 200, code: "0", body: b}, nil)
		if got.ok != (err == nil && status == 1) || got.text == "" {
			t.Errorf("got %+v of status %d, %v", got, status, err)
		}
	})
}
