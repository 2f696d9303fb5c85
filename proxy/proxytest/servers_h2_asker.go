package proxytest

import (
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
)

// asker is a client of either protocol.
type asker struct {
	t *testing.T
	*http.Client
}

const upURL = "http://www.example.com"

// request makes one. Of header Host is the host.
func (a *asker) request(method, path string, body io.Reader, header http.Header) *http.Request {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, upURL+path, body)
	if err != nil {
		a.t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Host = r.Header.Get("Host")
	delete(r.Header, "Host")
	return r
}

// do sends a request and reads all of its response.
func (a *asker) do(method, path string, body io.Reader, header http.Header) response {
	a.t.Helper()
	r, err := a.send(a.request(method, path, body, header))
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (a *asker) get(path string) response {
	a.t.Helper()
	return a.do("GET", path, nil, nil)
}

func (a *asker) post(path, body string) response {
	a.t.Helper()
	return a.do("POST", path, strings.NewReader(body), nil)
}

// send sends a request that may get no response.
func (a *asker) send(r *http.Request) (response, error) {
	resp, err := a.Do(r)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return response{status: resp.StatusCode, header: resp.Header, body: string(b), err: err, trailer: resp.Trailer}, nil
}

// unsized hides how long a body is.
func unsized(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }

// quietLog is for servers that tell what tests do to them.
func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// echo sends a request's body back, with its digest.
func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return // the balancer has given it up, which shows at the client
	}
	w.Header().Set("X-Digest", digest(string(b)))
	w.Header().Set("X-Length", itoa(int(r.ContentLength)))
	_, _ = w.Write(b) // as above
}
