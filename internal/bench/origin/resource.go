package origin

import (
	"bytes"
	"fmt"
)

// Resource is something that an origin has.
type Resource struct {
	Path    string
	Length  int  // of the body, bytes
	Chunked bool // sent in four chunks, without a Content-Length
}

// resources are all that an origin has. Only read.
var resources = [...]Resource{
	{Path: "/1k", Length: 1 << 10},
	{Path: "/64k", Length: 64 << 10},
	{Path: "/1m", Length: 1 << 20},
	{Path: "/chunk", Length: 1 << 10, Chunked: true},
}

// Find returns the resource at a path.
func Find(path string) (Resource, bool) {
	for _, r := range resources {
		if r.Path == path {
			return r, true
		}
	}
	return Resource{}, false
}

// responses makes the whole response of each resource, by path, and at "" the one for all other paths. The head is what a
// server of static files sends.
func responses() map[string][]byte {
	const head = "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Thu, 05 Nov 2026 10:20:30 GMT\r\nContent-Type: text/plain\r\n" +
		"ETag: \"69f0c2d1-2f4\"\r\nCache-Control: max-age=60\r\n"
	all := map[string][]byte{"": []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")}
	for _, r := range resources {
		if r.Chunked {
			chunk := fmt.Sprintf("%x\r\n%s\r\n", r.Length/4, bytes.Repeat([]byte("c"), r.Length/4))
			all[r.Path] = fmt.Appendf(nil, "%sTransfer-Encoding: chunked\r\n\r\n%s%s%s%s0\r\n\r\n", head, chunk, chunk, chunk, chunk)
			continue
		}
		all[r.Path] = fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", head, r.Length, bytes.Repeat([]byte("x"), r.Length))
	}
	return all
}
