package certs

import (
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
)

// maxLines bounds the lines of the log that one look at the files gives. When a thousand certificates are renewed, the
// first ones tell what is going on.
const maxLines = 20

// lines writes to a log as long as there is room.
type lines struct {
	log     hclog.Logger
	written int
}

func (l *lines) add(level hclog.Level, message string, facts ...any) {
	if l.written++; l.written <= maxLines {
		l.log.Log(level, message, facts...)
	}
}

func (l *lines) end() {
	if l.written > maxLines {
		l.log.Info("more was said of certificates than is written here", "lines", l.written-maxLines)
	}
}

// report logs and counts what has changed since before. mu is held.
func (k *Keychain) report(before func(Path) *file, next *loaded) {
	out := lines{log: k.log}
	defer out.end()
	for _, p := range next.paths {
		if p.fault != "" && p.since.Equal(next.at) {
			k.failures++
			out.add(hclog.Error, "certificates are not found: those of before stay", "file", p.path.Certificate, "err", p.fault)
		}
	}
	for _, f := range next.files {
		old := before(f.path)
		isNew := old == nil
		if isNew {
			old = &file{}
		}
		k.reportPair(&out, old, f)
		k.reportStaple(&out, old.staple, f.staple)
		if !isNew && f.pair != old.pair {
			k.renewals++
		}
	}
}

// reportGone logs which files are there no more.
func (k *Keychain) reportGone(before, next *loaded) {
	out := lines{log: k.log}
	defer out.end()
	for _, f := range before.files {
		if next.byPath[f.path] == nil {
			out.add(hclog.Info, "certificate is no longer used: its file is gone", "file", f.path.Certificate)
		}
	}
}

func (k *Keychain) reportPair(out *lines, old, f *file) {
	name := f.path.Certificate
	if f.pair != old.pair {
		leaf := f.pair.cert.Leaf
		out.add(hclog.Info, "certificate is in use", "file", name, "name", title(leaf), "not_after", instant(leaf.NotAfter))
		for _, w := range f.pair.warnings {
			out.add(hclog.Warn, "certificate is not as it should be", "file", name, "text", w)
		}
	}
	switch {
	case f.fault == "" && old.fault != "":
		out.add(hclog.Info, "certificate is in order again", "file", name)
	case f.fault == old.fault:
	case f.pair == nil:
		k.failures++
		out.add(hclog.Error, "certificate is not used", "file", name, "err", f.fault)
	default:
		k.failures++
		out.add(hclog.Error, "certificate is not used: the one of before stays", "file", name, "err", f.fault)
	}
}

func (k *Keychain) reportStaple(out *lines, old, s staple) {
	switch {
	case s.fault == "" && old.fault != "":
		out.add(hclog.Info, "OCSP response is in order again", "file", s.file)
	case s.fault != "" && s.fault != old.fault:
		k.failures++
		out.add(hclog.Warn, "OCSP response is not used", "file", s.file, "err", s.fault)
	}
}

// tellEnds logs which certificates come near their end, each time that one comes nearer: some days before, few days
// before, and when it has ended. Status judges by the same time. mu is held.
func (k *Keychain) tellEnds(now time.Time) {
	out := lines{log: k.log}
	defer out.end()
	told := map[string]due{}
	k.at = now
	for _, c := range k.collections {
		for _, f := range c.now.Load().files {
			if f.pair == nil {
				continue
			}
			leaf := f.pair.cert.Leaf
			key := fmt.Sprintf("%s %d", f.path.Certificate, leaf.NotAfter.Unix())
			d := dueOf(leaf, now)
			if d > k.told[key] && told[key] == inTime {
				out.add(hclog.Warn, "certificate is near its end", "file", f.path.Certificate, "text", dueText(leaf, now))
			}
			told[key] = max(d, k.told[key]) // a clock that is set back has told it already
		}
	}
	k.told = told
}
