package proxytest

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/edit"
	checks "github.com/tandem-lb/tandem/proxy/health"
)

func up2Fields(t *testing.T, s *upsite) {
	got := make(chan *http.Request, 1)
	app := s.serve(t, "app1", func(_ http.ResponseWriter, r *http.Request) { got <- r })
	c := s.site(app)
	c.Backends[0].Forwarded = proxy.Forwarded{For: proxy.ForwardedForAppend, Proto: true, RealIP: true}
	for name, client := range s.askers(t, web(t, s.start(t, c))) {
		wantStatus(t, client.do("POST", "/a?b=c&d", nil, http.Header{
			"Host": {"Example.com:81"}, "X-Forwarded-For": {"9.9.9.9"}, "X-Forwarded-Proto": {"gopher"}, "Te": {"trailers"},
			"Cookie": {"a=1", "b=2"}, "X-Twice": {"1", "2"}, "X-Case": {"CamelCase"}, "Proxy-Authorization": {"secret"}, "Authorization": {"Basic x"},
		}), 200)
		r := <-got
		if r.ProtoMajor != 2 || r.Method != "POST" || r.RequestURI != "/a?b=c&d" || r.Host != "Example.com:81" || r.ContentLength != 0 || (r.TLS != nil) != s.secure {
			t.Errorf("%s: the server got %s %s %s of %s, length %d", name, r.Proto, r.Method, r.RequestURI, r.Host, r.ContentLength)
		}
		for field, want := range map[string][]string{
			"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Proto": {"http"}, "X-Real-Ip": {"127.0.0.1"}, "Cookie": {"a=1; b=2"},
			"X-Twice": {"1", "2"}, "X-Case": {"CamelCase"}, "Te": {"trailers"}, "Connection": nil, "Proxy-Authorization": nil, "Host": nil,
			"Authorization": {"Basic x"}, "Content-Length": {"0"},
		} {
			if !slices.Equal(r.Header[field], want) && strings.Join(r.Header[field], "; ") != strings.Join(want, "; ") {
				t.Errorf("%s: the server got %s: %q, want %q", name, field, r.Header[field], want)
			}
		}
		wantStatus(t, client.get("/"), 200)
		if r = <-got; r.Header["Content-Length"] != nil || r.Header["Te"] != nil || r.Header["Cookie"] != nil {
			t.Errorf("%s: the server got %v", name, r.Header)
		}
	}
}

// up2ClientCertificates: as with HTTP/1, and by clients over TLS.
func up2ClientCertificates(t *testing.T, s *upsite) {
	ca := newAuthority(t)
	own := ca.named("www.example.com")
	alice := ca.issue(&x509.Certificate{DNSNames: []string{"alice"}, Subject: pkix.Name{CommonName: "alice"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	got := make(chan http.Header, 1)
	app := s.serve(t, "app1", func(_ http.ResponseWriter, r *http.Request) { got <- r.Header })
	c := s.site(app)
	c.Backends[0].Forwarded.Proto = true
	c.Frontends[0].Binds[0] = proxy.Bind{Address: anyPort, TLS: &certs.Config{
		Certificates: certs.Bundles(ca.bundle(own)), Clients: certs.Clients{Mode: certs.ClientOptional, CAs: []string{ca.file}},
	}}
	at := web(t, s.start(t, c))
	for _, tt := range []struct {
		certificates []tls.Certificate
		want         []string
	}{{[]tls.Certificate{*alice}, []string{"CN=alice"}}, {nil, nil}} {
		conn, err := tls.Dial("tcp4", at, &tls.Config{RootCAs: ca.pool, ServerName: "www.example.com", Certificates: tt.certificates})
		if err != nil {
			t.Fatal(err)
		}
		client := clientOn(t, conn)
		client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Client-Cert-Subject: CN=root\r\n\r\n")
		wantStatus(t, client.receive("GET"), 200)
		if h := <-got; !slices.Equal(h["X-Client-Cert-Subject"], tt.want) || h.Get("X-Forwarded-Proto") != "https" {
			t.Errorf("the server got %v, want the subject %q and https", h, tt.want)
		}
	}
}

func up2ResponseFields(t *testing.T, s *upsite) {
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
		w.Header().Set("X-Frame-Options", "ALLOW")
		w.Header().Set("Date", "now")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	})
	c := s.site(app)
	c.Frontends[0].ResponseEdits = []edit.Edit{{Name: "X-Frame-Options", Value: "SAMEORIGIN"}}
	at := web(t, s.start(t, c))
	for name, client := range s.askers(t, at) {
		r := client.get("/")
		if r.status != 418 || r.body != "short and stout" || !slices.Equal(r.header["Set-Cookie"], []string{"a=1", "b=2"}) ||
			!slices.Equal(r.header["X-Frame-Options"], []string{"SAMEORIGIN"}) || r.header.Get("Content-Length") != "15" || r.header.Get("Date") != "now" {
			t.Errorf("%s: got %d %v %q", name, r.status, r.header, r.body)
		}
	}
	if r := get(t, at, "/"); !strings.HasPrefix(r.head, "HTTP/1.1 418 I'm a teapot\r\n") {
		t.Errorf("got %q, want the phrase that HTTP/2 has none of", r.head)
	}
}

func up2Bodies(t *testing.T, s *upsite) {
	app := s.serve(t, "app1", echo)
	for name, client := range s.askers(t, web(t, s.start(t, s.site(app)))) {
		for _, size := range []int{0, 1, 16 << 10, 16<<10 + 1, 65535, 1 << 20, 4<<20 + 7} {
			sent := noise(size)
			for _, body := range []io.Reader{strings.NewReader(sent), unsized(sent)} {
				r := client.do("POST", "/", body, nil)
				if r.status != 200 || r.err != nil || r.header.Get("X-Digest") != digest(sent) || digest(r.body) != digest(sent) {
					t.Fatalf("%s, %d bytes: got %d, %v, %d bytes back", name, size, r.status, r.err, len(r.body))
				}
			}
		}
		if r := client.post("/", "abc"); r.header.Get("X-Length") != "3" {
			t.Errorf("%s: the server was told of a body of %s octets, want 3", name, r.header.Get("X-Length"))
		}
	}
}

func up2Trailers(t *testing.T, s *upsite) {
	got := make(chan http.Header, 1)
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		b, _ := io.ReadAll(r.Body) // an error shows in what is missing
		got <- r.Trailer
		if r.URL.Path == "/flush" {
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = w.Write(b)
		w.Header().Set("X-Sum", digest(string(b)))
	})
	for name, client := range s.askers(t, web(t, s.start(t, s.site(app)))) {
		for _, path := range []string{"/", "/flush"} {
			for _, size := range []int{0, 100_000} {
				sent := noise(size)
				r := client.request("POST", path, unsized(sent), http.Header{"Te": {"trailers"}})
				r.Trailer = http.Header{"X-Client": {"end"}}
				resp, err := client.send(r)
				if err != nil || resp.status != 200 || resp.err != nil || resp.body != sent {
					t.Fatalf("%s %s: got %d, %v, %v, %d bytes", name, path, resp.status, err, resp.err, len(resp.body))
				}
				if trailer := <-got; trailer.Get("X-Client") != "end" {
					t.Errorf("%s %s: the server got the trailers %v", name, path, trailer)
				}
				if name == "HTTP/1" && resp.header.Get("Content-Length") != "" {
					continue // HTTP/1 has no trailers where it tells the length
				}
				if resp.trailer.Get("X-Sum") != digest(sent) {
					t.Errorf("%s %s, %d bytes: got the trailers %v", name, path, size, resp.trailer)
				}
			}
		}
	}
}

// up2Streams: messages go back and forth while request and response are open, as those of gRPC do.
func up2Streams(t *testing.T, s *upsite) {
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.Flush() // what fails shows at the client, here and below
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			_, _ = fmt.Fprintf(w, "%s to you\n", lines.Text())
			_ = rc.Flush()
		}
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	})
	client := s.askers(t, web(t, s.start(t, s.site(app))))["HTTP/2"]
	r, w := io.Pipe()
	resp, err := client.Do(client.request("POST", "/", r, http.Header{"Te": {"trailers"}}))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for i := range 20 {
		if _, err := fmt.Fprintf(w, "message %d\n", i); err != nil {
			t.Fatal(err)
		}
		if got, err := lines.ReadString('\n'); got != fmt.Sprintf("message %d to you\n", i) {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	_ = w.Close()
	if _, err := lines.ReadByte(); err != io.EOF || resp.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("got %v and the trailers %v, want a clean end", err, resp.Trailer)
	}
}

// up2Pieces: what a server has sent of a response is not kept back, whichever protocol the client speaks.
func up2Pieces(t *testing.T, s *upsite) {
	more := make(chan struct{}, 1)
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, "piece\n") // what fails shows at the client
			_ = http.NewResponseController(w).Flush()
			await(more)
		}
	})
	for name, client := range s.askers(t, web(t, s.start(t, s.site(app)))) {
		resp, err := client.Do(client.request("GET", "/", nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(resp.Body)
		for range 3 {
			if line, err := lines.ReadString('\n'); line != "piece\n" {
				t.Fatalf("%s: got %q, %v", name, line, err)
			}
			more <- struct{}{}
		}
		if _, err := lines.ReadByte(); err != io.EOF {
			t.Errorf("%s: got %v, want a clean end", name, err)
		}
		_ = resp.Body.Close()
	}
}

func up2Bodiless(t *testing.T, s *upsite) {
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/length":
			w.Header().Set("Content-Length", "10")
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.Header().Set("Etag", `"x"`)
			w.WriteHeader(http.StatusNotModified)
		case "/empty":
		}
		if r.Method != http.MethodHead {
			_ = http.NewResponseController(w).Flush()
		}
	})
	for name, client := range s.askers(t, web(t, s.start(t, s.site(app)))) {
		for range 2 { // and the connections go on
			for _, tt := range []struct {
				method, path, length string
				status               int
			}{
				{"HEAD", "/length", "10", 200}, {"HEAD", "/empty", "", 200}, {"GET", "/204", "", 204}, {"GET", "/304", "", 304}, {"GET", "/empty", "", 200},
			} {
				r := client.do(tt.method, tt.path, nil, nil)
				if r.status != tt.status || r.body != "" || r.err != nil || r.header.Get("Content-Length") != tt.length && tt.path != "/empty" {
					t.Errorf("%s, %s %s: got %d %v %q, %v", name, tt.method, tt.path, r.status, r.header, r.body, r.err)
				}
			}
		}
	}
	if n := app.opened.Load(); n > 2 {
		t.Errorf("got %d connections, want one for each loop at most", n)
	}
}

func up2Interim(t *testing.T, s *upsite) {
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		_, _ = io.WriteString(w, "ok")
	})
	for name, client := range s.askers(t, web(t, s.start(t, s.site(app)))) {
		var interim []string
		r := client.request("GET", "/", nil, nil)
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			interim = append(interim, itoa(code)+" "+h.Get("Link"))
			return nil
		}}))
		resp, err := client.send(r)
		if err != nil {
			t.Fatal(err)
		}
		wantBody(t, resp, "ok")
		if !slices.Equal(interim, []string{"103 </style.css>; rel=preload"}) {
			t.Errorf("%s: got %q before the response", name, interim)
		}
	}
}

func up2ExpectContinue(t *testing.T, s *upsite) {
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		echo(w, r)
	})
	for name, client := range s.askers(t, web(t, s.start(t, s.site(app)))) {
		header := http.Header{"Expect": {"100-continue"}}
		wantBody(t, client.do("POST", "/", strings.NewReader("payload"), header), "payload")
		r, w := io.Pipe() // nothing will ever come out of it
		if got := client.do("POST", "/no", r, header); got.status != 403 {
			t.Errorf("%s: got %d, want the refusal before the body", name, got.status)
		}
		_ = w.Close()
	}
}

// up2Early: a response that comes before the request is whole.
func up2Early(t *testing.T, s *upsite) {
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			_, _ = io.WriteString(w, "enough")
		}
	})
	for name, client := range s.askers(t, web(t, s.start(t, s.site(app)))) {
		r, w := io.Pipe()
		go func() { _, _ = io.WriteString(w, "abc") }()
		got, err := client.send(client.request("POST", "/", r, nil))
		_ = w.Close()
		if err != nil || got.status != 413 || got.body != "enough" || got.err != nil {
			t.Errorf("%s: got %d %q, %v, %v", name, got.status, got.body, got.err, err)
		}
		wantStatus(t, client.get("/"), 200)
	}
	if n := app.opened.Load(); n > 2 {
		t.Errorf("got %d connections, want one for each loop at most", n)
	}
}

// up2Upgrade: no protocol can be switched to in HTTP/2; the request is an ordinary one.
func up2Upgrade(t *testing.T, s *upsite) {
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Header["Upgrade"], r.Header["Connection"], r.Header.Get("Sec-Websocket-Key"))
	})
	client := dial(t, web(t, s.start(t, s.site(app))))
	client.send(upgradeRequest)
	wantBody(t, client.receive("GET"), "[] []x")
	client.send(getRequest)
	wantBody(t, client.receive("GET"), "[] []")
}

func up2Many(t *testing.T, s *upsite) {
	const requests = 100
	var here sync.WaitGroup
	here.Add(requests)
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/all" {
			here.Done()
			here.Wait() // for all of them
		}
		echo(w, r)
	})
	client := s.askers(t, web(t, s.start(t, s.site(app))))["HTTP/2"]
	wantBody(t, client.get("/"), "")
	var all sync.WaitGroup
	for i := range requests {
		all.Go(func() {
			sent := noise(1000 * i)
			r, err := client.send(client.request("POST", "/all", strings.NewReader(sent), nil))
			if err != nil || r.status != 200 || r.err != nil || r.body != sent {
				t.Errorf("got %d, %v, %v, %d bytes, want %d", r.status, err, r.err, len(r.body), len(sent))
			}
		})
	}
	all.Wait()
	if n := app.opened.Load(); n != 1 {
		t.Errorf("got %d connections, want 1", n)
	}
}

// up2Health: what speaks another protocol is not healthy.
func up2Health(t *testing.T, s *upsite) {
	good := s.serve(t, "good", func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.Method != "HEAD" || r.URL.RequestURI() != "/health?x" || r.Host != "app" {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	sick := s.serve(t, "sick", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	other := &server2{server: serve(t, "other", says("never"))}
	c := s.site(good, sick, other)
	c.Backends[0].Check = &checks.Check{
		Kind:     &checks.HTTP{Method: "HEAD", Path: "/health?x", Host: "app"},
		Interval: moment, Timeout: time.Second, Rise: 1, Fall: 1,
	}
	b := s.start(t, c)
	eventually(t, "all are known", func() bool { return b.Snapshot().Backends[0].Known })
	for i, want := range []string{"up HTTP status 200", "down HTTP status 503, want 200 to 399", "down layer "} {
		v := b.Snapshot().Backends[0].Servers[i]
		if got := v.Status.String() + " " + v.Text; !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
