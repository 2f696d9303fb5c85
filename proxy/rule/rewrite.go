package rule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/tandem-lb/tandem/proxy/edit"
)

// Apply returns the path that servers are asked for in place of path, in its canonical form as well, and the host; an empty one is that of
// the request. ok is false where no path or host comes out, and the request deserves a 400.
func (w *Rewrite) Apply(path string, f edit.Facts) (rewritten, host string, ok bool) {
	if path != "*" {
		if path, ok = w.rewritePath(path, f); !ok {
			return "", "", false
		}
	}
	if w.Host != "" {
		host = string(w.host.Append(nil, f))
		return path, host, isAuthority(host)
	}
	return path, "", true
}

func (w *Rewrite) rewritePath(path string, f edit.Facts) (rewritten string, ok bool) {
	if rest, found := strings.CutPrefix(path, w.StripPrefix); found && w.StripPrefix != "" {
		if path = rest; !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
	}
	if w.find != nil {
		path = w.find.ReplaceAllString(path, w.With)
	}
	if w.Path != "" {
		path = string(w.path.Append(nil, rewriting{f, path}))
	}
	path, err := CanonicalPath(path)
	return path, err == nil
}

// rewriting knows the path as it is by now.
type rewriting struct {
	edit.Facts
	path string
}

// AppendFact implements edit.Facts.
func (r rewriting) AppendFact(dst []byte, v edit.Variable, name string) []byte {
	if v == edit.Path {
		return append(dst, r.path...)
	}
	return r.Facts.AppendFact(dst, v, name)
}

// compile checks a rewrite.
func (w *Rewrite) compile() error {
	var faults []error
	var err error
	if w.StripPrefix != "" {
		faults = append(faults, pathFaults("strip_prefix", w.StripPrefix, "x")...)
	}
	if w.Find != "" {
		if w.find, err = regexp.Compile(w.Find); err != nil {
			faults = append(faults, fmt.Errorf("find: %w", err))
		}
	} else if w.With != "" {
		faults = append(faults, errors.New("with: want find beside it"))
	}
	if w.path, err = edit.Parse(w.Path, edit.Request); err != nil {
		faults = append(faults, fmt.Errorf("path: %w", err))
	} else if w.Path != "" && w.Path[0] != '/' && !strings.HasPrefix(w.Path, "{path}") {
		faults = append(faults, fmt.Errorf("path %q, want a slash or {path} at its start", w.Path))
	}
	if w.host, err = edit.Parse(w.Host, edit.Request); err != nil {
		faults = append(faults, fmt.Errorf("host: %w", err))
	} else if text, constant := w.host.Constant(); constant && w.Host != "" && !isAuthority(text) {
		faults = append(faults, fmt.Errorf("host %q, want a host, with a port if you like", w.Host))
	}
	if w.StripPrefix+w.Find+w.Path+w.Host == "" {
		faults = append(faults, errors.New("nothing is rewritten, want strip_prefix, find, path or host"))
	}
	for i := range faults {
		faults[i] = fmt.Errorf("rewrite: %w", faults[i])
	}
	return errors.Join(faults...)
}

// isAuthority reports whether s is a host, with a port or without.
func isAuthority(s string) bool {
	host := withoutPort(s)
	port := strings.TrimPrefix(s[len(host):], ":")
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
	}
	return isHost(strings.TrimSuffix(host, ".")) && len(s) <= longestHost && len(port) <= 5 && (port != "" || host == s)
}
