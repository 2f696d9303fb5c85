package proxy

import (
	"context"
	"errors"
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

// Map is a file that says what a variable stands for: the {map:NAME} of its name.
type Map struct {
	Name    string
	File    string // a key and a value on each line, as rule.ParseDictionary reads it
	Key     string // a template, without maps
	Prefix  bool   // the keys of the file are prefixes, of which the longest counts
	Default string // for what the file does not have
}

// mapFile is a file that says which backend gets a request, or what a variable stands for.
type mapFile struct {
	name   string
	prefix bool
	use    func(*rule.Dictionary) error // has what it says be used

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
	d := exchange.NewDirectory(key, choices, otherwise)
	f := &mapFile{name: m.File, prefix: m.Prefix, use: d.Replace}
	if err := f.read(); err != nil {
		r.fault(fmt.Errorf("%s: map: %w", what, err))
	}
	r.maps = append(r.maps, f)
	return d
}

// lookups are maps by name, with what has to be known of them.
type lookups struct {
	maps      map[string]*exchange.Lookup
	files     []*mapFile
	ofRequest map[string]bool // that have a key which is not known any more when the response is written
	handshake bool            // some key asks for what the client's TLS handshake has come to
}

// compileMaps reads the maps that variables stand for values of.
func compileMaps(all []Map) (l lookups, err error) {
	l.maps, l.ofRequest = map[string]*exchange.Lookup{}, map[string]bool{}
	var faults []error
	for _, m := range all {
		if l.maps[m.Name] != nil {
			faults = append(faults, fmt.Errorf("map %s is configured twice", m.Name))
			continue
		}
		key, err := edit.Parse(m.Key, edit.Request)
		if err == nil && key.Uses(edit.Map) {
			err = errors.New("it asks for another map")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("map %s: key: %w", m.Name, err))
		}
		l.maps[m.Name] = exchange.NewLookup(key, m.Default)
		l.ofRequest[m.Name] = key.Uses(edit.Header, edit.Cookie)
		l.handshake = l.handshake || key.Uses(edit.TLSVersion, edit.SNI)
		f := &mapFile{name: m.File, prefix: m.Prefix, use: l.maps[m.Name].Replace}
		if err := f.read(); err != nil {
			faults = append(faults, fmt.Errorf("map %s: %w", m.Name, err))
		}
		l.files = append(l.files, f)
	}
	return l, errors.Join(faults...)
}

// fault says what is wrong with maps that are asked for by name; nil: nothing.
func (l *lookups) fault(names []string, at edit.Stage) error {
	for _, name := range names {
		switch {
		case l.maps[name] == nil:
			return fmt.Errorf("{map:%s}: no map %s", name, name)
		case at == edit.Response && l.ofRequest[name]:
			return fmt.Errorf("{map:%s} is known of requests only: its key is", name)
		}
	}
	return nil
}

// read has what the file says now be used. A file that cannot be changes nothing.
func (f *mapFile) read() error {
	keys, file, err := readMap(f.name, f.prefix)
	if file != nil {
		f.seen = file.Info
	}
	if err != nil {
		return err
	}
	if err := f.use(keys); err != nil {
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

// mapFiles keeps what files say up to date.
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
