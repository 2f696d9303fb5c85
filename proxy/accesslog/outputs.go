package accesslog

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// Outputs are all outputs of a balancer. What two configurations have in common lives on. It is safe for concurrent use.
type Outputs struct {
	log hclog.Logger

	mu    sync.Mutex // guards what follows
	sinks map[Output]*Sink
	run   context.Context // of Run; nil: it has not begun
	ended bool
	tasks sync.WaitGroup
}

// NewOutputs returns one without outputs. log must not be nil.
func NewOutputs(log hclog.Logger) *Outputs {
	return &Outputs{log: log, sinks: map[Output]*Sink{}}
}

// Plan is the outputs of another configuration. One that is not applied must be discarded.
type Plan struct {
	of    *Outputs
	sinks map[Output]*Sink // to be kept, and new ones
	fresh []*Sink
}

// Plan returns one without outputs. It is good until another plan is applied.
func (o *Outputs) Plan() *Plan { return &Plan{of: o, sinks: map[Output]*Sink{}} }

// Open adds an output. Files are opened unless they are open; syslog daemons are looked for when there is something to tell
// them.
func (p *Plan) Open(output Output) error {
	if p.sinks[output] != nil {
		return nil
	}
	p.of.mu.Lock()
	sink := p.of.sinks[output]
	p.of.mu.Unlock()
	if sink == nil {
		to, err := open(output)
		if err != nil {
			return err
		}
		sink = newSink(output, to, p.of.log)
		p.fresh = append(p.fresh, sink)
	}
	p.sinks[output] = sink
	return nil
}

func open(o Output) (destination, error) {
	if o.Kind == UDP || o.Kind == Unix {
		return newSyslog(o), nil
	}
	return openFile(o.Address)
}

// Discard closes what Open has opened. After Apply it does nothing.
func (p *Plan) Discard() {
	for _, s := range p.fresh {
		s.to.close()
	}
	p.fresh = nil
}

// Apply makes the outputs of the plan those that are written to. retire is to be called once no Target has the others: they are
// closed when what waits for them is written. After Run has ended Apply only discards the plan.
func (o *Outputs) Apply(p *Plan) (retire func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		p.Discard()
		return func() {}
	}
	var old []*Sink
	for output, s := range o.sinks {
		if p.sinks[output] != s {
			old = append(old, s)
		}
	}
	o.sinks = p.sinks
	if o.run != nil {
		for _, s := range p.fresh {
			o.start(s)
		}
	}
	p.fresh = nil
	return func() {
		for _, s := range old {
			s.retire()
		}
	}
}

// start has a sink write. mu is held.
func (o *Outputs) start(s *Sink) {
	ctx, cancel := context.WithCancel(o.run)
	s.end = cancel
	o.tasks.Go(func() { s.run(ctx) })
}

// Run writes what the Logs say until ctx ends, and returns nil once all that came before is written, or was refused for half a
// second. It can be called once.
func (o *Outputs) Run(ctx context.Context) error {
	o.mu.Lock()
	o.run = ctx
	for _, s := range o.sinks {
		o.start(s)
	}
	o.mu.Unlock()
	<-ctx.Done()
	o.mu.Lock()
	o.ended = true
	o.mu.Unlock()
	o.tasks.Wait()
	return nil
}

// Point has lines that are written to t go to outputs of the plan that was applied last, and nowhere where there are none.
func (o *Outputs) Point(t *Target, outputs []Output) {
	if len(outputs) == 0 {
		t.sinks.Store(nil)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var sinks []*Sink
	for _, output := range outputs {
		if s := o.sinks[output]; s != nil && !slices.Contains(sinks, s) {
			sinks = append(sinks, s)
		}
	}
	t.sinks.Store(&sinks)
}

// Reopen has every file opened anew, which may have been moved: what was written before it is called goes to the old one. It returns
// at once; a file that cannot be opened is logged, and the old one written on.
func (o *Outputs) Reopen() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sinks {
		signal(s.renewal)
	}
}

// Status returns all outputs, by what they are called.
func (o *Outputs) Status() []Status {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []Status
	for _, s := range slices.Collect(maps.Values(o.sinks)) {
		all = append(all, s.status())
	}
	slices.SortFunc(all, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Output.String(), b.Output.String()), cmp.Compare(a.Output.Syslog.Tag, b.Output.Syslog.Tag),
			cmp.Compare(a.Output.Syslog.Facility, b.Output.Syslog.Facility))
	})
	return all
}
