package daemon

import (
	"context"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/vrrp"
)

// linkKey tells the links of a node apart.
type linkKey struct {
	iface  string
	family vrrp.Family
}

func linkOf(cfg vrrp.Config) linkKey { return linkKey{cfg.Interface, cfg.Family()} }

// advertLink is a link, and how it is closed.
type advertLink struct {
	link *vrrp.Link
	stop context.CancelFunc // nil before it runs
}

// link is the link of an interface and family, opened for the first instance on it. It stays until keepLinks has no use for
// it.
func (h *host) link(cfg vrrp.Config) (*vrrp.Link, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := linkOf(cfg)
	if l := h.adverts[key]; l != nil {
		return l.link, nil
	}
	link, err := vrrp.NewLink(vrrp.LinkConfig{Interface: key.iface, Family: key.family, Log: h.log.Named("vrrp")})
	if err != nil {
		return nil, err
	}
	l := &advertLink{link: link}
	h.adverts[key] = l
	if h.ctx != nil {
		h.runLink(l)
	}
	return link, nil
}

// runLink runs a link with the services. mu is held.
func (h *host) runLink(l *advertLink) {
	ctx, stop := context.WithCancel(h.ctx)
	l.stop = stop
	h.wg.Go(func() { _ = l.link.Run(ctx) }) // it has no error to tell
}

// keepLinks closes the links that none of these instances uses. Who used them has ended.
func (h *host) keepLinks(instances []config.Instance) {
	used := map[linkKey]bool{}
	for _, i := range instances {
		used[linkOf(i.VRRP)] = true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, l := range h.adverts {
		if !used[key] {
			l.stop() // a reload begins when links run
			delete(h.adverts, key)
		}
	}
}

// closeLinks closes the links that never ran: one that runs closes itself, and so does one whose time is over.
func (h *host) closeLinks() {
	over, end := context.WithCancel(context.Background())
	end()
	for _, l := range h.adverts {
		_ = l.link.Run(over) // it has no error to tell
	}
}
