package origin

import (
	"slices"
	"strings"
	"testing"
)

func TestRequests(t *testing.T) {
	t.Parallel()
	const get = "GET /1k HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n"
	for _, c := range []struct {
		name string
		in   string
		want []string
		last bool
	}{
		{"one", get, []string{"/1k"}, false},
		{"two at once", get + strings.Replace(get, "/1k", "/64k", 1), []string{"/1k", "/64k"}, false},
		{"another path", strings.Replace(get, "/1k", "/nothing", 1), []string{"/nothing"}, false},
		{"with a body", "POST /1m HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello" + get, []string{"/1m", "/1k"}, false},
		{"an empty body", "POST /1m HTTP/1.1\r\nContent-Length: 0\r\n\r\n", []string{"/1m"}, false},
		{"the last", strings.Replace(get, "Host: a", "Connection: close", 1), []string{"/1k"}, true},
	} {
		for cut := range len(c.in) { // in two pieces, cut anywhere
			var r requests
			var got []string
			for _, b := range []string{c.in[:cut], c.in[cut:]} {
				for rest := []byte(b); len(rest) > 0; {
					path, left, err := r.next(rest)
					if err != nil {
						t.Fatalf("%s, cut at %d: %v", c.name, cut, err)
					}
					if path == "" {
						break
					}
					got, rest = append(got, path), left
				}
			}
			if !slices.Equal(got, c.want) || r.last != c.last {
				t.Fatalf("%s, cut at %d: got %q, last %v, want %q, %v", c.name, cut, got, r.last, c.want, c.last)
			}
		}
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in, want string
	}{
		{"no path", "GET\r\n\r\n", errLine.Error()},
		{"no end", strings.Repeat("a", maxHead+1), errHead.Error()},
		{"length", "POST / HTTP/1.1\r\nContent-Length: ten\r\n\r\n", `content-length: strconv.ParseUint: parsing "ten": invalid syntax`},
	} {
		var r requests
		if _, _, err := r.next([]byte(c.in)); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func TestResponses(t *testing.T) {
	t.Parallel()
	all := responses()
	for _, r := range resources {
		head, body, ok := strings.Cut(string(all[r.Path]), "\r\n\r\n")
		if !ok || !strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") {
			t.Errorf("%s: got head %q", r.Path, head)
		}
		if r.Chunked {
			if want := strings.Repeat("100\r\n"+strings.Repeat("c", 256)+"\r\n", 4) + "0\r\n\r\n"; body != want {
				t.Errorf("%s: got body %q, want four chunks of 256", r.Path, body)
			}
			continue
		}
		if len(body) != r.Length {
			t.Errorf("%s: got %d bytes, want %d", r.Path, len(body), r.Length)
		}
	}
	if _, ok := Find("/nothing"); ok {
		t.Error("found /nothing")
	}
}
