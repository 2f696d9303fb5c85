package keeper

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/child"
)

const (
	defaultSilence = 1500 * time.Millisecond // with a kill and the removal, a frozen daemon's addresses are gone within 2 s
	minSilence     = 400 * time.Millisecond  // two heartbeats
)

// stopWait is how long a keeper that was told to stop may take to end, which is all that it has left to do.
const stopWait = 500 * time.Millisecond

// ErrNotRunning says that no keeper process is there at the moment. What was asked is kept for the next one.
var ErrNotRunning = errors.New("the keeper is not running")

// Config says how to start a keeper.
type Config struct {
	Path     string        // the executable; empty: the running one
	Dir      string        // the runtime directory, for the will file
	Name     string        // of the node
	Silence  time.Duration // of an instance with a will, after which the daemon is killed; at least 400 ms, 0: 1.5 s
	LockFile *os.File      // the node's lock, which the keeper holds too until the wills are carried out; nil: none
	Log      hclog.Logger  // nil: no log
	LogJSON  bool          // what the keeper itself says is JSON, as the daemon's log is

	// RTPriority runs the keeper's process under SCHED_RR, 1 to 99, so that it is on time on a machine whose processors
	// others want too; 0: it does not. NoSwap keeps its memory from being swapped out. What cannot be had is an error of Start.
	RTPriority int
	NoSwap     bool
}

// Client is the daemon's side of a keeper. Its methods may be called from any goroutine.
type Client struct {
	cfg Config
	log hclog.Logger

	// heart says where heartbeats go; nil while no keeper answers. Replaced as a whole.
	heart atomic.Pointer[heart]
	// slots says where in the ledger the beats are. Replaced as a whole.
	slots  atomic.Pointer[map[string]int]
	ledger ledger   // fixed
	shared *os.File // the ledger's, for each keeper that is started; fixed

	talk   sync.Mutex      // serialises requests; held while a reply is waited for
	proc   *child.Process  // guarded by talk; nil: none is running
	wills  map[string]will // guarded by talk: what the keeper holds, or the next one will
	beats  map[string]Beat // guarded by talk
	closed bool            // guarded by talk
	denied error           // guarded by talk: what the last keeper did not get of what Config asks for
	buf    []byte          // guarded by talk: the reply

	mu     sync.Mutex
	status Status // guarded by mu, and only for moments
}

type heart struct {
	proc      *child.Process
	instances map[string]bool // those with a will or a beat; the others need no heartbeat
}

// Status tells about the keeper.
type Status struct {
	Alive    bool   `json:"alive"`
	PID      int    `json:"pid"`
	Restarts uint64 `json:"restarts"` // keepers that ended and were replaced
	Wills    int    `json:"wills"`    // instances with a will
	Beats    int    `json:"beats"`    // instances with a beat
	Counters        // of the present process, at most half a second old
}

// Start starts the keeper process and makes sure that it answers. Run watches it; Close ends it.
func Start(cfg Config) (*Client, error) {
	if cfg.Silence == 0 {
		cfg.Silence = defaultSilence
	}
	if cfg.Silence < minSilence {
		return nil, fmt.Errorf("keeper: silence %v, want at least %v", cfg.Silence, minSilence)
	}
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	c := &Client{
		cfg:   cfg,
		log:   cfg.Log,
		wills: map[string]will{},
		beats: map[string]Beat{},
		buf:   make([]byte, maxMessage),
	}
	var err error
	if c.ledger, c.shared, err = makeLedger(); err != nil {
		return nil, fmt.Errorf("keeper: %w", err)
	}
	c.slots.Store(&map[string]int{})
	if _, err := c.start(); err != nil {
		return nil, errors.Join(err, c.shared.Close())
	}
	if c.denied != nil {
		return nil, errors.Join(c.denied, c.Close())
	}
	return c, nil
}

// SetWill leaves the will of an instance with the keeper, in place of a former one, before anything is done that it undoes.
// The operations are carried out in order when the daemon ends or freezes. An empty list cancels. It returns when
// the keeper has it, after at most a second; on an error the keeper may not have it, but it or the next one gets it.
// The operations' packets must not be changed afterwards.
func (c *Client) SetWill(instance string, ops []Op) error {
	w := will(slices.Clone(ops))
	if err := w.check(); err != nil {
		return fmt.Errorf("will of %s: %w", instance, err)
	}
	c.talk.Lock()
	defer c.talk.Unlock()
	if len(w) == 0 {
		delete(c.wills, instance)
	} else {
		c.wills[instance] = w
	}
	if err := c.ask(request{Kind: askWill, Instance: instance, Will: w}); err != nil {
		return fmt.Errorf("will of %s: %w", instance, err)
	}
	return nil
}

// SetBeat makes the keeper send an advert at each interval, for the first time one interval from now. A beat that
// goes on keeps its phase. On an error nothing is sent for the instance, at least until a keeper is started again.
func (c *Client) SetBeat(instance string, b Beat) error {
	if err := b.check(); err != nil {
		return fmt.Errorf("beat of %s: %w", instance, err)
	}
	b = b.clone()
	c.talk.Lock()
	defer c.talk.Unlock()
	slot, err := c.slotOf(instance)
	if err != nil {
		return fmt.Errorf("beat of %s: %w", instance, err)
	}
	c.beats[instance] = b
	if err := c.ask(request{Kind: askBeat, Instance: instance, Slot: slot, Beat: &b}); err != nil {
		return fmt.Errorf("beat of %s: %w", instance, err)
	}
	return nil
}

// StopBeat ends a beat: when it returns, with an error too, no further advert of it is sent. A keeper that doesn't
// answer is killed.
func (c *Client) StopBeat(instance string) error {
	c.talk.Lock()
	defer c.talk.Unlock()
	delete(c.beats, instance)
	if err := c.ask(request{Kind: askBeat, Instance: instance}); err != nil {
		return fmt.Errorf("beat of %s: %w", instance, err)
	}
	return nil
}

// Spoke is when a keeper last sent the beat of an instance, by CLOCK_BOOTTIME; 0: it has not. It never waits, and tells of
// keepers that have ended too.
func (c *Client) Spoke(instance string) time.Duration {
	slot, ok := (*c.slots.Load())[instance]
	if !ok {
		return 0
	}
	return c.ledger.spoke(slot)
}

// slotOf is the instance's place in the ledger, given to it if need be. One without a beat may lose its place to another.
// The caller holds talk.
func (c *Client) slotOf(instance string) (int, error) {
	old := *c.slots.Load()
	if slot, ok := old[instance]; ok {
		return slot, nil
	}
	slots, taken := map[string]int{}, [ledgerSlots]bool{}
	for name, slot := range old {
		if _, beats := c.beats[name]; beats {
			slots[name], taken[slot] = slot, true
		}
	}
	slot := slices.Index(taken[:], false)
	if slot < 0 {
		return 0, fmt.Errorf("the keeper has %d beats, which is all that it can", ledgerSlots)
	}
	c.ledger.note(slot, 0)
	slots[instance] = slot
	c.slots.Store(&slots)
	return slot, nil
}

// Alive says whether a keeper answers. While it does not, the daemon sends adverts itself.
func (c *Client) Alive() bool { return c.heart.Load() != nil }

// Heartbeat says that the loop of an instance runs. The loop calls it itself, at least every 200 ms, and after a stall
// only when it has read what the peer said meanwhile. It never waits.
func (c *Client) Heartbeat(instance string) {
	h := c.heart.Load()
	if h == nil || !h.instances[instance] {
		return
	}
	err := h.proc.TrySend(encodeHeartbeat(bootTime(), instance))
	if errors.Is(err, child.ErrEnded) {
		c.heart.CompareAndSwap(h, nil)
	}
	// Another error is a full socket. The keeper is stuck then, which the next ping finds out.
}

// Status is what is known about the keeper. It doesn't wait for it.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	s.Alive = c.Alive()
	return s
}

// Close is the clean end: the wills are cancelled, the keeper ends, and Run returns.
func (c *Client) Close() error {
	c.talk.Lock()
	defer c.talk.Unlock()
	if c.closed {
		return nil
	}
	clear(c.wills)
	clear(c.beats)
	err := c.ask(request{Kind: askStop})
	c.closed = true
	if c.proc != nil {
		c.proc.Stop(stopWait)
	}
	c.proc = nil
	c.heart.Store(nil)
	err = errors.Join(err, c.shared.Close())
	if err == nil {
		return nil
	}
	// Nobody is left to carry the wills out, but the next start would.
	return errors.Join(fmt.Errorf("stop the keeper: %w", err), willFileOf(c.cfg.Dir, c.cfg.Name).remove())
}

// beating publishes where heartbeats go now. The caller holds talk.
func (c *Client) beating() {
	h := &heart{proc: c.proc, instances: map[string]bool{}}
	for name := range maps.Keys(c.wills) {
		h.instances[name] = true
	}
	for name := range maps.Keys(c.beats) {
		h.instances[name] = true
	}
	c.heart.Store(h)
}
