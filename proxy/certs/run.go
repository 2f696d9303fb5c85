package certs

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// lookAgain is how often files are looked at without an event: not all file systems have them.
	lookAgain = time.Minute
	// quiet is how long nothing must happen before files that have changed are read: whoever writes several, or one
	// piece by piece, is done then.
	quiet = 250 * time.Millisecond
	// patience bounds the wait for that.
	patience = 5 * time.Second
	// maxRounds bounds how often directories are found that have to be watched as well, behind links that have just
	// been found. What is still missing then is seen a minute later.
	maxRounds = 4
)

// Run keeps certificates up to date with their files, and renews the keys of session tickets, until ctx ends; then it
// returns nil. A certificate that has changed is for the handshakes that come; connections live on. What cannot be used
// changes nothing: it is logged, counted and an alarm until it is put right.
func (k *Keychain) Run(ctx context.Context) error {
	w, err := k.watch()
	if err != nil {
		k.log.Warn("certificate files are looked at once a minute only", "err", err)
		w = noWatch()
	}
	defer func() { _ = w.close() }() // nothing is left to be told
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	complaint := ""
	for {
		if err := k.lookAround(w); err != nil && err.Error() != complaint {
			complaint = err.Error()
			k.log.Warn("some certificate files are looked at once a minute only", "err", err)
		}
		if k.looked != nil {
			k.looked()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		case <-k.news:
		case <-w.errors: // whatever was lost: all is looked at
		case <-w.events:
			k.settle(ctx, w.events)
		}
	}
}

// settle waits until events have ceased.
func (k *Keychain) settle(ctx context.Context, events <-chan fsnotify.Event) {
	still, end := time.NewTimer(k.quiet), time.NewTimer(k.patient)
	defer still.Stop()
	defer end.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-still.C:
			return
		case <-end.C:
			return
		case <-events:
			still.Reset(k.quiet)
		}
	}
}

// lookAround looks at all files, after having seen to it that the next change of any of them is noticed. An error says which
// directories cannot be watched.
func (k *Keychain) lookAround(w *watch) error {
	_, err := w.set(k.watched())
	k.look(time.Now())
	for range maxRounds {
		var more bool
		if more, err = w.set(k.watched()); !more {
			break
		}
		k.look(time.Now()) // between the look and the watch something may have changed
	}
	return err
}

// watched returns all directories to watch, each once.
func (k *Keychain) watched() []string {
	var dirs []string
	for _, c := range k.inUse() {
		dirs = append(dirs, c.now.Load().watched()...)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

func (k *Keychain) inUse() []*collection {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Collect(maps.Values(k.collections))
}

// look reads what has changed, and renews the session ticket keys when their time has come.
func (k *Keychain) look(now time.Time) {
	for _, c := range k.inUse() {
		before := c.now.Load()
		next := load(c.paths, before, before.file, now)
		if next == before {
			continue
		}
		k.mu.Lock()
		c.now.Store(next)
		k.report(before.file, next)
		k.reportGone(before, next)
		k.mu.Unlock()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if ticketPeriodOf(now) != k.period {
		k.rotate(now)
	}
	k.tellEnds(now)
}
