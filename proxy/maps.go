package proxy

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/rule"
)

const (
	// maxMap bounds a file of a map, in octets: some hundred thousand keys.
	maxMap = 16 << 20
	// lookAtMaps is how often the files are looked at. It is one system call for each.
	lookAtMaps = time.Second
)

// mapFile is a file that says which backend gets a request.
type mapFile struct {
	name      string
	prefix    bool
	directory *exchange.Directory

	seen   os.FileInfo // as it was when it was read last, or could not be; owned by Run once that runs
	broken string      // why it could not be; empty: it could
}

// directory compiles the choice by a file, and reads it.
func (r *routing) directory(what string, m *rule.Map, edits *exchange.Edits) *exchange.Directory {
	key, err := edit.Parse(m.Key, edit.Request)
	if err != nil {
		r.fault(fmt.Errorf("%s: map: key: %w", what, err))
	}
	choices := map[string]exchange.Choice{}
	for _, b := range r.backends {
		if r.sameMode(b) != nil {
			continue // the file cannot name it
		}
		choices[b.config.Name] = r.choice(what+": map: backend", b.config.Name, edits)
	}
	var otherwise exchange.Choice
	if name := m.Default; name != "" {
		otherwise = r.choice(what+": map: backend", name, edits)
	} else if r.fallback != "" {
		otherwise = choices[r.fallback] // an unknown one is reported as the frontend's
	}
	f := &mapFile{name: m.File, prefix: m.Prefix, directory: exchange.NewDirectory(key, choices, otherwise)}
	if err := f.read(); err != nil {
		r.fault(fmt.Errorf("%s: map: %w", what, err))
	}
	r.maps = append(r.maps, f)
	return f.directory
}

// read has the directory say what the file does now. A file that cannot be used changes nothing.
func (f *mapFile) read() error {
	keys, file, err := readMap(f.name, f.prefix)
	if file != nil {
		f.seen = file.Info
	}
	if err != nil {
		return err
	}
	if err := f.directory.Replace(keys); err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	return nil
}

// changed reports whether the file is another one than was seen.
func (f *mapFile) changed() bool {
	info, err := os.Stat(f.name)
	if err != nil || f.seen == nil {
		return true
	}
	return !os.SameFile(info, f.seen) || info.Size() != f.seen.Size() || !info.ModTime().Equal(f.seen.ModTime())
}

// look reads the file if it has changed. What cannot be used is said once.
func (f *mapFile) look(log hclog.Logger) {
	if !f.changed() {
		return
	}
	switch err := f.read(); {
	case err == nil:
		f.broken = ""
		log.Info("map read anew", "file", f.name)
	case err.Error() != f.broken:
		f.broken = err.Error()
		log.Error("map could not be read anew: what it said before holds on", "file", f.name, "err", err)
	}
}

// mapFiles keeps directories up to date with their files.
type mapFiles struct {
	log   hclog.Logger
	every time.Duration
	news  chan struct{} // of one: set sends without blocking, Run receives; never closed

	mu    sync.Mutex
	files []*mapFile // guarded by mu
}

func newMapFiles(log hclog.Logger) *mapFiles {
	return &mapFiles{log: log, every: lookAtMaps, news: make(chan struct{}, 1)}
}

// set changes which files are looked at.
func (m *mapFiles) set(files []*mapFile) {
	m.mu.Lock()
	m.files = files
	m.mu.Unlock()
	select {
	case m.news <- struct{}{}:
	default:
	}
}

func (m *mapFiles) now() []*mapFile {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.files
}

// Run looks at the files until ctx ends, while there are any; then it returns nil.
func (m *mapFiles) Run(ctx context.Context) error {
	for {
		var tick <-chan time.Time
		if len(m.now()) > 0 {
			tick = time.After(m.every)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-m.news:
		case <-tick:
			for _, f := range m.now() {
				f.look(m.log)
			}
		}
	}
}
