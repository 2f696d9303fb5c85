package certs

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/internal/keyfile"
)

// loaded is what a list of paths led to at one moment. It is immutable.
type loaded struct {
	at     time.Time
	paths  []*place // one for each path of the list
	files  []*file  // of all of them in order, each once
	byPath map[Path]*file
	store  *Store // nil: not one certificate could be used
}

// place is one path of a list: a file, or a directory with many.
type place struct {
	path  Path
	files []*file
	links []string  // what has to be watched, beside the directories of the files, to notice that a path leads elsewhere
	fault string    // why it could not be listed; then files are those of before
	since time.Time // of fault
}

// Load reads the certificates that paths name; the files of a directory come in the order of their names. The first certificate
// is the default. A certificate that comes twice counts once, so a default can be named before the directory that holds
// it. The faults of all files are reported at once.
func Load(paths []Path) (*Store, error) {
	l := load(paths, nil, func(Path) *file { return nil }, time.Now())
	if err := l.err(); err != nil {
		return nil, err
	}
	return l.store, nil
}

// load looks at all files of a list: for the first time on all cores, with clients waiting, and then on one, beside the
// traffic. Of those that have not changed since before it keeps what is known; and it returns before itself when nothing
// has changed at all.
func load(paths []Path, before *loaded, known func(Path) *file, now time.Time) *loaded {
	next := &loaded{at: now, byPath: map[Path]*file{}}
	listed := make([][]found, len(paths))
	for i, path := range paths {
		p := &place{path: path}
		if before == nil {
			listed[i] = p.list(nil, now)
		} else {
			listed[i] = p.list(before.paths[i], now)
		}
		next.paths = append(next.paths, p)
	}
	workers := 1
	if before == nil {
		workers = runtime.GOMAXPROCS(0)
	}
	r := reader{who: sync.OnceValue(keyfile.Own), known: known, now: now}
	read := r.all(listed, workers)
	for i, p := range next.paths {
		for _, f := range listed[i] {
			p.files = append(p.files, read[f.path])
		}
		for _, f := range p.files {
			if next.byPath[f.path] == nil {
				next.byPath[f.path] = f
				next.files = append(next.files, f)
			}
		}
	}
	if before != nil && slices.EqualFunc(next.paths, before.paths, (*place).same) {
		return before
	}
	// A store without a certificate would serve nobody: then that of before stays.
	if next.store = newStore(next.files, now); next.store == nil && before != nil {
		next.store = before.store
	}
	return next
}

// list returns the files that the path leads to now. Where it leads to none, its files are the good ones of before.
func (p *place) list(old *place, now time.Time) []found {
	all, links, err := p.path.expand()
	p.links = links
	if err == nil {
		return all
	}
	p.fault, p.since = err.Error(), now
	if old == nil {
		return nil
	}
	if old.fault == p.fault {
		p.since = old.since
	}
	for _, f := range old.files {
		if f.pair != nil {
			p.files = append(p.files, f.unread())
		}
	}
	return nil
}

// same reports whether a path led to the same at two moments.
func (p *place) same(o *place) bool {
	return p.fault == o.fault && slices.Equal(p.files, o.files) && slices.Equal(p.links, o.links)
}

// all reads the files of lists, each once. Most of the time goes into parsing keys.
func (r reader) all(lists [][]found, workers int) map[Path]*file {
	var wanted []found
	files := map[Path]*file{}
	for _, list := range lists {
		for _, f := range list {
			if _, again := files[f.path]; !again {
				files[f.path] = nil
				wanted = append(wanted, f)
			}
		}
	}
	read := make([]*file, len(wanted))
	var next atomic.Int64
	var readers sync.WaitGroup
	for range min(workers, len(wanted)) {
		readers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(wanted); i = int(next.Add(1)) - 1 {
				read[i] = r.read(wanted[i])
			}
		})
	}
	readers.Wait()
	for i, f := range wanted {
		files[f.path] = read[i]
	}
	return files
}

// err says what keeps a list from being used for the first time: each path has to lead somewhere, and each file to hold, or
// to have held, a certificate.
func (l *loaded) err() error {
	var faults []error
	for _, p := range l.paths {
		if p.fault != "" && len(p.files) == 0 {
			faults = append(faults, errors.New(p.fault))
		}
		for _, f := range p.files {
			if f.pair == nil {
				faults = append(faults, errors.New(f.fault))
			}
		}
	}
	if len(l.paths) == 0 {
		faults = append(faults, errors.New("no certificates, want at least one PEM bundle"))
	}
	return errors.Join(faults...)
}

// file returns what was seen of a path, or nil.
func (l *loaded) file(p Path) *file {
	if l == nil {
		return nil
	}
	return l.byPath[p]
}
