package loadtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func listen(_ context.Context, address string) (net.Listener, error) {
	return net.Listen("tcp4", address)
}

// fault is a mistake of the proxy below: it may change a response, and is asked about each.
type fault func(*http.Response) error

// reference is net/http's reverse proxy, which does what the scenarios want, with a fault in it.
func reference(t *testing.T, server string, f fault) Target {
	t.Helper()
	behind, err := url.Parse("http://" + server)
	if err != nil {
		t.Fatal(err)
	}
	pool := &http.Transport{DisableCompression: true, ExpectContinueTimeout: patience}
	t.Cleanup(pool.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(behind)
			r.Out.Host, r.Out.Trailer = r.In.Host, r.In.Trailer // the trailer's values come with the end of the body
		},
		Transport: pool, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0), ModifyResponse: f,
	}
	plain := httptest.NewUnstartedServer(proxy)
	plain.Config.Protocols = new(http.Protocols)
	plain.Config.Protocols.SetHTTP1(true)
	plain.Config.Protocols.SetUnencryptedHTTP2(true)
	plain.Config.ErrorLog = proxy.ErrorLog
	plain.Start()
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(proxy)
	secure.EnableHTTP2, secure.Config.ErrorLog = true, proxy.ErrorLog
	secure.StartTLS()
	t.Cleanup(secure.Close)
	var dialer net.Dialer
	roots := secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return Target{Plain: plain.Listener.Addr().String(), TLS: secure.Listener.Addr().String(), Roots: roots, Dial: dialer.DialContext}
}

// play runs scenarios against the reference until what came of them is enough, for 10 s at most.
func play(t *testing.T, f fault, scenarios []Scenario, enough func(*Report) bool) (*Report, *Origins) {
	t.Helper()
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	first := l // the first server's socket; a further one would be for a server that came back
	origins, err := NewOrigins(t.Context(), []string{address}, func(context.Context, string) (net.Listener, error) { return first, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(origins.Close)
	report := NewReport()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	go func() {
		for ctx.Err() == nil && !enough(report) {
			time.Sleep(5 * time.Millisecond) // a report has no events
		}
		cancel()
	}()
	Run(ctx, Config{Target: reference(t, address, f), Origins: origins, Scenarios: scenarios, Workers: 4, Seed: 1, Report: report})
	return report, origins
}

// A proxy that does everything right passes.
func TestEveryScenarioPassesAGoodProxy(t *testing.T) {
	for _, s := range Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			report, origins := play(t, nil, []Scenario{s}, func(r *Report) bool { return r.Good(s.Name)+r.Expected(s.Name) > 8 })
			if report.Good(s.Name)+report.Expected(s.Name) == 0 {
				t.Error("it made no request")
			}
			failures, _ := report.Failures()
			for _, f := range failures {
				t.Error(f)
			}
			for _, err := range origins.Faults() {
				t.Error(err)
			}
		})
	}
}

func rebody(r *http.Response, body io.Reader) {
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
}

// A proxy with a fault is found out.
func TestFaultsOfAProxyAreFound(t *testing.T) {
	var other atomic.Value
	other.Store("")
	for _, c := range []struct {
		name     string
		scenario string
		fault    fault
		want     string
	}{
		{"an octet differs", "keep-alive", func(r *http.Response) error {
			whole, err := io.ReadAll(r.Body)
			if len(whole) > 0 {
				whole[len(whole)-1] ^= 1
			}
			rebody(r, bytes.NewReader(whole))
			return err
		}, " of a body of "},
		{"an octet more", "keep-alive", func(r *http.Response) error {
			r.ContentLength = -1
			r.Header.Del("Content-Length")
			rebody(r, io.MultiReader(r.Body, strings.NewReader("x")))
			return nil
		}, " octets goes on"},
		{"a broken body looks whole", "server-resets-body", func(r *http.Response) error {
			whole, _ := io.ReadAll(r.Body) // the fault
			r.ContentLength = int64(len(whole))
			r.Header.Set("Content-Length", "")
			r.Header.Del("Content-Length")
			rebody(r, bytes.NewReader(whole))
			return nil
		}, "it ended as if it were whole"},
		{"another's response", "pipelined", func(r *http.Response) error {
			r.Header.Set(idField, other.Swap(r.Header.Get(idField)).(string))
			return nil
		}, "the response is that to request"},
		{"the trailer is lost", "trailers", func(r *http.Response) error {
			whole, err := io.ReadAll(r.Body)
			r.Trailer = nil
			rebody(r, bytes.NewReader(whole))
			return err
		}, "trailer of a response: Load-Sum is"},
		{"a response is refused", "uploads", func(*http.Response) error { return errors.New("no") }, "status 502 Bad Gateway"},
		{"a length is wrong", "head", func(r *http.Response) error {
			if r.ContentLength > 0 {
				r.Header.Set("Content-Length", "1234567")
			}
			return nil
		}, "Content-Length of a HEAD is 1234567"},
		{"streams are confused", "h2", func(r *http.Response) error {
			r.Header.Set(idField, other.Swap(r.Header.Get(idField)).(string))
			return nil
		}, "the response is that to request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var chosen []Scenario
			for _, s := range Scenarios() {
				if s.Name == c.scenario {
					chosen = append(chosen, s)
				}
			}
			report, _ := play(t, c.fault, chosen, func(r *Report) bool {
				_, all := r.Failures()
				return all > 0
			})
			failures, all := report.Failures()
			if all == 0 {
				t.Fatal("nothing was found")
			}
			for _, f := range failures {
				if strings.Contains(f.String(), c.want) {
					return
				}
			}
			t.Errorf("found %v, want %q", failures[0], c.want)
		})
	}
}
