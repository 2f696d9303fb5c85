package loadtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Origins are the servers behind the balancer. Each can die and come back; what that does to requests is known here.
type Origins struct {
	listen  func(ctx context.Context, address string) (net.Listener, error)
	address []string
	all     []*origin

	mu     sync.Mutex
	cut    map[uint64]bool // guarded by mu: requests that a server had begun when it died
	deaths []death         // guarded by mu
	left   map[uint64]bool // guarded by mu: requests that the client gave up, for it had lost the connection before
	faults []originFault   // guarded by mu: what servers saw that must not be; the first maxFailures
}

// originFault is what a server saw.
type originFault struct {
	id  uint64 // of the request, 0: of none
	err error
}

// death is how long a server took to die: its connections end one after the other.
type death struct {
	over  bool
	ended time.Time // when over
}

// NewOrigins starts a server at each address. listen makes their sockets, at first and again after a death. The caller
// must Close them.
func NewOrigins(ctx context.Context, addresses []string, listen func(ctx context.Context, address string) (net.Listener, error)) (*Origins, error) {
	o := &Origins{listen: listen, address: addresses, cut: map[uint64]bool{}, left: map[uint64]bool{}}
	for i := range addresses {
		o.all = append(o.all, &origin{all: o})
		if err := o.Start(ctx, i); err != nil {
			o.Close()
			return nil, err
		}
	}
	return o, nil
}

// Start brings a server back.
func (o *Origins) Start(ctx context.Context, i int) error {
	l, err := o.listen(ctx, o.address[i])
	if err != nil {
		return fmt.Errorf("start a server: %w", err)
	}
	o.all[i].serve(l)
	return nil
}

// Kill ends a server as kill -9 does.
func (o *Origins) Kill(i int) {
	o.mu.Lock()
	this := len(o.deaths)
	o.deaths = append(o.deaths, death{})
	o.mu.Unlock()
	o.all[i].stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deaths[this] = death{over: true, ended: time.Now()}
}

// lose notes that a server dies which has begun a request.
func (o *Origins) lose(id uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cut[id] = true
}

// DropIdle has every server close the connections that wait for a request, so that the balancer's pools empty.
func (o *Origins) DropIdle() {
	for _, one := range o.all {
		one.dropIdle()
	}
}

// Close ends the servers.
func (o *Origins) Close() {
	for _, one := range o.all {
		one.stop()
	}
}

// fault notes what no server may see, of a request.
func (o *Origins) fault(id uint64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.faults) < maxFailures {
		o.faults = append(o.faults, originFault{id, err})
	}
}

// leave notes that the client gives up a request: its server may see a connection end.
func (o *Origins) leave(id uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left[id] = true
}

// Faults returns what servers saw that no balancer may send: bodies that differ, requests that break off although neither
// the client nor the server did. At most maxFailures are kept.
func (o *Origins) Faults() (all []error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range o.faults {
		if !o.left[f.id] || !errors.As(f.err, new(lost)) {
			all = append(all, f.err)
		}
	}
	return all
}

// explain says why a request to which that error came may have failed: a server had it when it died, or one died
// meanwhile and the balancer answered for it. It is "" for what nothing explains, such as a 503 while other servers live.
func (o *Origins) explain(s script, began time.Time, err error) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if (s.Frame == byClose || s.Tunnel) && o.cut[s.ID] && errors.Is(err, errCleanEnd) {
		return "its server died" // and the balancer cannot have known that more was to come
	}
	if !gatewayFault(err) {
		return ""
	}
	if o.cut[s.ID] {
		return "its server died"
	}
	for _, d := range o.deaths {
		if !d.over || d.ended.After(began) {
			return "a server died meanwhile"
		}
	}
	return ""
}
