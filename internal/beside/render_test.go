package beside

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// observation is all that was seen of an exam with one product.
type observation struct {
	s      *stage
	client []sight
	heard  map[string][]heard
	names  []string // addresses and what they are called, in turn
	took   time.Duration
}

// text are the lines of an observation as they are compared with a peer's.
func (o *observation) text(peer string) []string {
	var all []string
	for _, s := range o.client {
		if s.message == nil {
			all = append(all, "client: "+s.remark)
			continue
		}
		all = append(all, o.response(s.message, peer)...)
	}
	for _, name := range slices.Sorted(maps.Keys(o.heard)) {
		for _, h := range o.heard[name] {
			if !o.s.shows.client {
				all = append(all, o.request(name, h)...)
			}
		}
	}
	named := strings.NewReplacer(o.names...)
	for i := range all {
		all[i] = named.Replace(all[i])
	}
	return all
}

// response is what a client got.
func (o *observation) response(m *message, peer string) []string {
	if m.line == "" {
		return []string{"client: " + m.broken}
	}
	own := strings.HasPrefix(m.body, "<html>")
	var fields []field
	for _, f := range m.fields {
		if !o.everywhere(f, own, m.old, peer) {
			fields = append(fields, f)
		}
	}
	line := m.word(1)
	if o.s.shows.pages {
		line = m.line
	}
	all := append([]string{"client: " + line}, o.fields("client", fields)...)
	switch {
	case own && !o.s.shows.pages:
		all = append(all, "client| a page of its own")
	case m.has("Content-Encoding", "gzip"):
		all = append(all, "client| unpacked "+short(unpacked(m.body)))
	case m.body != "":
		all = append(all, "client| "+short(m.body))
	}
	all = append(all, o.fields("client, behind it", m.trailers)...)
	if m.broken != "" {
		all = append(all, "client: "+m.broken+" in its midst")
	}
	return all
}

// unpacked is what has been compressed.
func unpacked(body string) string {
	r, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// everywhere says what is no matter of single exams: those that are about it show it.
func (o *observation) everywhere(f field, own, old bool, peer string) bool {
	switch strings.ToLower(f.name) {
	case "date":
		return true
	case "content-length":
		return own && !o.s.shows.pages
	case "cache-control": // of pages: nginx says nothing there
		return own && !o.s.shows.pages && peer == nginx && f.value == "no-cache"
	case "server":
		return o.s.product == nginx && !o.s.shows.order && f.value == nginx
	case "connection":
		return o.s.product == nginx && !o.s.shows.order && f.value == "keep-alive" && !old
	}
	return false
}

// fields are lines of them.
func (o *observation) fields(who string, fields []field) (all []string) {
	for _, f := range fields {
		name := f.name
		if !o.s.shows.names {
			name = strings.ToLower(name)
		}
		all = append(all, strings.TrimSpace(who+": "+name+": "+brief(f.value)))
	}
	if !o.s.shows.order {
		slices.SortStableFunc(all, func(a, b string) int {
			a, _, _ = strings.Cut(strings.TrimPrefix(a, who+": "), ":")
			b, _, _ = strings.Cut(strings.TrimPrefix(b, who+": "), ":")
			return cmp.Compare(a, b)
		})
	}
	return all
}

// request is what a server got.
func (o *observation) request(name string, h heard) []string {
	line := name + ": " + brief(h.line)
	if o.s.shows.conns {
		line += " over connection " + strconv.Itoa(h.conn)
	}
	all := append([]string{line}, o.fields(name, h.fields)...)
	if h.body != "" {
		all = append(all, name+"| "+short(h.body))
	}
	all = append(all, o.fields(name+", behind it", h.trailers)...)
	if h.broken != "" {
		all = append(all, name+": "+h.broken+" in its midst")
	}
	return all
}

// short is a text, or what it begins with and how long it is.
func short(s string) string {
	if len(s) > long {
		return brief(s)
	}
	return fmt.Sprintf("%q", s)
}

// long is more than lines are compared by, octet for octet.
const long = 200

func brief(s string) string {
	if len(s) <= long {
		return s
	}
	return fmt.Sprintf("%q and so on, %d octets", s[:20], len(s))
}

// compared are the lines that only one of two observations has, by the longest common sequence.
func compared(ours, theirs []string) (mine, other []string) {
	n, m := len(ours), len(theirs)
	best := make([][]int, n+1)
	for i := range best {
		best[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if ours[i] == theirs[j] {
				best[i][j] = best[i+1][j+1] + 1
			} else {
				best[i][j] = max(best[i+1][j], best[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < n && j < m {
		switch {
		case ours[i] == theirs[j]:
			i, j = i+1, j+1
		case best[i+1][j] >= best[i][j+1]:
			mine, i = append(mine, ours[i]), i+1
		default:
			other, j = append(other, theirs[j]), j+1
		}
	}
	return append(mine, ours[i:]...), append(other, theirs[j:]...)
}
