package beside

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/peers"
	"github.com/tandem-lb/tandem/proxy/proxytest"
)

// together is how many exams are held at a time: most of them wait.
const together = 24

// TestIntegrationBehaviourBesideHAProxyAndNginx holds every exam with Tandem, HAProxy and nginx. A difference that is not declared is a
// failure, and so is one that is declared and not there.
func TestIntegrationBehaviourBesideHAProxyAndNginx(t *testing.T) {
	peers.Want(t, "haproxy", "2.6")
	peers.Want(t, "nginx", "1.22")
	share := setScenery(t)
	var all []*stage
	by, cast := map[string][]*stage{}, map[*stage]players{}
	for i, a := range areas() {
		for j := range a.exams {
			e := &a.exams[j]
			for product, w := range map[string]*words{tandem: e.site.tandem, haproxy: e.site.haproxy, nginx: e.site.nginx} {
				if w == nil {
					continue
				}
				s := &stage{exam: e, product: product, name: fmt.Sprintf("x%d_%d", i, j), scenery: share}
				all, by[product], cast[s] = append(all, s), append(by[product], s), players{}
			}
		}
	}
	t.Cleanup(func() {
		for _, p := range cast {
			for _, s := range p {
				s.close()
			}
		}
	})
	for _, s := range by[tandem] {
		s.writeMaps(t)
	}
	startTandem(t, by[tandem], cast)
	startHAProxy(t, by[haproxy], cast)
	startNginx(t, by[nginx], cast, share)
	seen := holdAll(all, cast)
	for _, a := range areas() {
		for i := range a.exams {
			t.Run(a.title+"/"+a.exams[i].name, func(t *testing.T) { judge(t, &a, &a.exams[i], seen) })
		}
	}
}

// secret is "secret" by bcrypt.
const secret = "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"

func setScenery(t *testing.T) scenery {
	t.Helper()
	dir, err := os.MkdirTemp("", "beside")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // nginx gives root up, and looks for its pages there
		t.Fatal(err)
	}
	l, filled, err := full()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = l.Close()
		for _, c := range filled {
			_ = c.Close()
		}
	})
	for name, text := range map[string]string{
		"503.html": "sorry\n",
		"users":    "joe:" + secret + "\n", "users.nginx": "joe:" + secret + "\n",
		"503.http": "HTTP/1.1 503 Service Unavailable\r\nCache-Control: no-cache\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 6\r\n\r\nsorry\n",
	} {
		mode := os.FileMode(0o644)
		if name == "users" {
			mode = 0o600
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil { //nolint:gosec // nginx reads it as nobody
			t.Fatal(err)
		}
	}
	pem, _ := proxytest.Bundle(t, "a.test")
	return scenery{dir: dir, pem: pem, dead: proxytest.Nobody(t), full: l.Addr().String()}
}

// writeMaps writes the file of the exam's map, and nginx' of the same.
func (s *stage) writeMaps(t *testing.T) {
	t.Helper()
	if s.maps == "" {
		return
	}
	text := expanded(t, s, nil, s.maps)
	for name, text := range map[string]string{s.name + ".map": text, s.name + ".nginx": strings.ReplaceAll(text, "\n", ";\n")} {
		if _, err := s.write(name, text); err != nil {
			t.Fatal(err)
		}
	}
}

// holdAll holds the exams of all stages.
func holdAll(all []*stage, cast map[*stage]players) map[string]map[string]*observation {
	work := make(chan *stage) // closed below
	var mu sync.Mutex
	seen := map[string]map[string]*observation{}
	var workers sync.WaitGroup
	for range together {
		workers.Go(func() {
			for s := range work {
				o := hold(s, cast[s])
				mu.Lock()
				key := s.exam.name
				if seen[key] == nil {
					seen[key] = map[string]*observation{}
				}
				seen[key][s.product] = o
				mu.Unlock()
			}
		})
	}
	for _, s := range all {
		work <- s
	}
	close(work)
	workers.Wait()
	return seen
}

// hold holds one exam with one product.
func hold(s *stage, p players) *observation {
	c := &talk{s: s, p: p}
	begun := time.Now()
	c.have()
	o := &observation{s: s, client: c.seen, heard: map[string][]heard{}, names: []string{s.address, "HERE", ":" + s.address[len("127.0.0.1:"):], ":HERE", ": " + s.address[len("127.0.0.1:"):], ": HERE"}}
	for name, one := range p {
		one.settles()
		o.heard[name] = one.requests()
		o.names = append(o.names, one.listener.Addr().String(), strings.ToUpper(name))
	}
	o.took = time.Since(begun)
	return o
}

// judge compares what the products did.
func judge(t *testing.T, a *area, e *exam, seen map[string]map[string]*observation) {
	t.Helper()
	ours := seen[e.name][tandem]
	for _, peer := range []string{haproxy, nginx} {
		theirs := seen[e.name][peer]
		if theirs == nil {
			continue
		}
		t.Logf("%s, %.1fs:\n\t%s\n%s, %.1fs:\n\t%s", tandem, ours.took.Seconds(), strings.Join(ours.text(peer), "\n\t"), peer, theirs.took.Seconds(), strings.Join(theirs.text(peer), "\n\t"))
		mine, other := compared(ours.text(peer), theirs.text(peer))
		var wantMine, wantOther []string
		for _, d := range a.differs {
			if d.exam == e.name && d.peer == peer {
				wantMine, wantOther = append(wantMine, split(d.ours)...), append(wantOther, split(d.theirs)...)
			}
		}
		if !slices.Equal(mine, wantMine) || !slices.Equal(other, wantOther) {
			t.Errorf("%s beside %s: what differs is\n\t%s\n\tdeclared is\n\t%s", e.proves, peer, literal(mine, other), literal(wantMine, wantOther))
		}
	}
}

// split are the lines of a text.
func split(s string) []string {
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// literal is a difference as an exam declares it.
func literal(ours, theirs []string) string {
	return fmt.Sprintf("%q,\n\t%q", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
}
