package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
)

// What a held request takes.
const (
	heldFor   = 3 * time.Second
	pace      = 50 * time.Millisecond // between two chunks of a download or an upload
	chunks    = int(heldFor / pace)
	chunkSize = 16 << 10
)

// site is what all servers of a stage answer.
type site struct {
	begun atomic.Int64 // held requests that have reached a server
}

// handler is the site on one node.
func (s *site) handler(node string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(drill.ServerHeader, node)
		_, _ = fmt.Fprintln(w, node) // the client went away: its own affair
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		s.begun.Add(1)
		if wait(r, heldFor) {
			_, _ = fmt.Fprintln(w, node) // as above
		}
	})
	mux.HandleFunc("/download", s.download)
	mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		s.begun.Add(1)
		n, err := io.Copy(io.Discard, r.Body)
		if err == nil {
			_, _ = fmt.Fprint(w, n) // as above
		}
	})
	return mux
}

func (s *site) download(w http.ResponseWriter, r *http.Request) {
	s.begun.Add(1)
	w.Header().Set("Content-Length", strconv.Itoa(chunks*chunkSize))
	flusher := http.NewResponseController(w)
	began := time.Now()
	for i := range chunks {
		_, err := w.Write(make([]byte, chunkSize))
		if err != nil || flusher.Flush() != nil || !wait(r, time.Until(began.Add(time.Duration(i+1)*pace))) {
			return
		}
	}
}

// wait lets time pass; it returns false when the client goes away first.
func wait(r *http.Request, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-r.Context().Done():
		return false
	}
}
