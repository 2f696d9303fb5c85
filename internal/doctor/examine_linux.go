package doctor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ErrPrivileges says that this process may not look closely enough.
var ErrPrivileges = errors.New("listening for adverts and asking by ARP need CAP_NET_RAW: run it as root (sudo tandem doctor)")

// Examine gathers the facts of a plan; it listens on all its interfaces at once, for as long as listen says. It changes
// nothing and sends no advert. The error wraps ErrPrivileges where this process lacks them.
func Examine(ctx context.Context, p Plan, listen time.Duration) (*Facts, error) {
	f := &Facts{Plan: p, Listened: listen}
	var err error
	if f.Capabilities, err = readCapabilities(); err != nil {
		return nil, err
	}
	if !f.Capabilities.Effective.NetRaw {
		return nil, ErrPrivileges
	}
	if f.Users, err = lookUpUsers(wantedUsers(p)); err != nil {
		return nil, err
	}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink socket: %w", err)
	}
	defer h.Close()
	if f.Kernel, err = tryKernel(h); err != nil {
		return nil, err
	}
	f.Clock = readClock()
	f.RealTime = readRealTime(p.RTPriority)
	if f.Rivals, err = rawSockets(); err != nil { // before this process has some
		return nil, err
	}
	if f.Ports, err = ports(h); err != nil {
		return nil, err
	}
	for _, name := range p.Interfaces {
		in := Interface{Name: name, Sysctls: readSysctls(name)}
		if in.Link, in.Bridge, err = readLink(h, name); err != nil {
			return nil, err
		}
		f.Interfaces = append(f.Interfaces, in)
	}
	var asking sync.WaitGroup
	asking.Go(func() { f.Lookups = lookUp(ctx, p) })
	err = hear(ctx, f)
	asking.Wait()
	if err != nil {
		return nil, err
	}
	return f, nil
}

// hear listens on each interface that can be listened to.
func hear(ctx context.Context, f *Facts) error {
	var wg sync.WaitGroup
	errs := make([]error, len(f.Interfaces))
	for i := range f.Interfaces {
		in := &f.Interfaces[i]
		if !in.Link.usable() {
			continue
		}
		wg.Go(func() {
			in.Heard, errs[i] = listenOn(ctx, in, f.Plan.vipsOn(in.Name), f.Listened)
			if errs[i] != nil {
				errs[i] = fmt.Errorf("listen on %s: %w", in.Name, errs[i])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
