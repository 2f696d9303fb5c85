package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/child"
)

const (
	// configureWait bounds the check of a table, which looks at a few files a command.
	configureWait = 5 * time.Second
	// answerWait is what an answer may take beyond a command's timeout before the runner counts as stuck.
	answerWait = 2 * time.Second
	// stopWait is how long the runner may take to end what it runs: killGrace and some.
	stopWait = time.Second
)

// ErrNotRunning says that no runner process is there at the moment, or that it ended during the call.
var ErrNotRunning = errors.New("the runner is not running")

// Config says how to start a runner.
type Config struct {
	Path string       // the executable; empty: the running one
	Name string       // of the node, for those who read ps; empty: none
	Log  hclog.Logger // nil: no log
}

// Client is the daemon's side of a runner. Its methods may be called from any goroutine.
type Client struct {
	cfg Config
	log hclog.Logger

	mu       sync.Mutex
	proc     *child.Process     // guarded by mu; nil: none is running
	table    map[string]Command // guarded by mu: what the runner has, or gets when it is started again
	closed   bool               // guarded by mu
	restarts uint64             // guarded by mu

	configuring sync.Mutex // serialises Configure and the start of another runner, so that both agree on the table
}

// Status tells about the runner.
type Status struct {
	Alive    bool   `json:"alive"`
	PID      int    `json:"pid"`
	Restarts uint64 `json:"restarts"` // runners that ended and were replaced
	Commands int    `json:"commands"` // in the table
}

// capabilities is what the runner keeps, where the daemon has them to give.
func capabilities() []uintptr { return []uintptr{unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_KILL} }

// Start starts the runner process. Run watches it; Close ends it.
func Start(cfg Config) (*Client, error) {
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	c := &Client{cfg: cfg, log: cfg.Log}
	if _, err := c.start(); err != nil {
		return nil, err
	}
	return c, nil
}

// Run watches the runner until ctx ends or Close: one that ended is replaced by another one with the same table. It
// leaves the runner running.
func (c *Client) Run(ctx context.Context) error {
	proc := c.process()
	if proc == nil {
		return nil // closed
	}
	return child.Keep(ctx, proc, c.ended, c.start, c.log)
}

func (c *Client) process() *child.Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proc
}

// ended notes that the runner has ended.
func (c *Client) ended(how string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.proc = nil
	if c.closed {
		return
	}
	c.restarts++
	c.log.Error("the runner has ended, starting another one", "err", how)
}

// start starts a runner with the present table.
func (c *Client) start() (*child.Process, error) {
	c.configuring.Lock()
	defer c.configuring.Unlock()
	c.mu.Lock()
	closed, table := c.closed, c.table
	c.mu.Unlock()
	if closed {
		return nil, child.ErrClosed
	}
	cfg := child.Config{Name: ProcessName, Path: c.cfg.Path, Capabilities: capabilities()}
	if c.cfg.Name != "" {
		cfg.Args = []string{c.cfg.Name}
	}
	p, err := child.Start(cfg)
	if err != nil {
		return nil, err
	}
	if table != nil {
		if _, err := c.configure(p, slices.Collect(maps.Values(table))); err != nil {
			return nil, fmt.Errorf("configure the new runner: %w (it ended: %s)", err, p.End())
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		p.End()
		return nil, child.ErrClosed
	}
	c.proc = p
	return p, nil
}

// Configure replaces the table of commands. The runner checks it as Check does, with its own rights; on an error, which
// tells all problems, the former table stays.
func (c *Client) Configure(commands []Command) error {
	c.configuring.Lock()
	defer c.configuring.Unlock()
	p := c.process()
	if p == nil {
		return fmt.Errorf("configure the runner: %w", ErrNotRunning)
	}
	if _, err := c.configure(p, commands); err != nil {
		return err
	}
	table := map[string]Command{}
	for _, command := range commands {
		command.Argv = slices.Clone(command.Argv)
		table[command.ID] = command
	}
	c.mu.Lock()
	c.table = table
	c.mu.Unlock()
	return nil
}

// configure tells the worker a table, and whether it is its first.
func (c *Client) configure(p *child.Process, commands []Command) (first bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), configureWait)
	defer cancel()
	table := append([]Command{}, commands...) // an empty one is a table too
	answer, err := ask(ctx, p, request{Table: &table})
	return answer.Empty, err
}

// retell gives the table to a worker that came after another one had ended. Several runs may find that out at once; the
// first one tells, and then it does no harm.
func (c *Client) retell(p *child.Process) error {
	c.configuring.Lock()
	defer c.configuring.Unlock()
	c.mu.Lock()
	commands := slices.Collect(maps.Values(c.table))
	c.mu.Unlock()
	first, err := c.configure(p, commands)
	if err != nil {
		return fmt.Errorf("configure the new worker: %w", err)
	}
	if first {
		c.mu.Lock()
		c.restarts++
		c.mu.Unlock()
		c.log.Error("the runner's worker has ended, another one goes on")
	}
	return nil
}

// Exec runs the command with that id, args after its own arguments and env (KEY=VALUE) added to a minimal environment, and
// returns when it has ended or its timeout is over. When ctx ends it returns ctx's error, and the run is killed. A
// run that failed is a Result; an error says that it could not run.
func (c *Client) Exec(ctx context.Context, id string, args, env []string) (Result, error) {
	c.mu.Lock()
	p, command := c.proc, c.table[id]
	c.mu.Unlock()
	if p == nil {
		return Result{}, fmt.Errorf("run %q: %w", id, ErrNotRunning)
	}
	bounded, cancel := context.WithTimeout(ctx, command.Timeout+answerWait)
	defer cancel()
	r := request{ID: id, Args: args, Env: env}
	answer, err := ask(bounded, p, r)
	if err == nil && answer.Empty {
		if err = c.retell(p); err == nil {
			answer, err = ask(bounded, p, r)
		}
	}
	switch {
	case err == nil:
		return answer.Result, nil
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case bounded.Err() != nil:
		p.Kill() // it answers to nothing; Run starts another one
		return Result{}, fmt.Errorf("run %q: the runner does not answer", id)
	}
	return Result{}, err
}

// Status is what is known about the runner.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Status{Restarts: c.restarts, Commands: len(c.table)}
	if c.proc != nil {
		s.Alive, s.PID = true, c.proc.PID()
	}
	return s
}

// Close ends the runner and whatever it runs.
func (c *Client) Close() {
	c.mu.Lock()
	p := c.proc
	c.closed, c.proc = true, nil
	c.mu.Unlock()
	if p != nil {
		p.Stop(stopWait)
	}
}

// ask makes one call: a socket of its own goes to the runner, the request follows on it, and the reply comes back.
// The end of ctx closes it, which tells the runner that nobody waits any more.
func ask(ctx context.Context, p *child.Process, r request) (reply, error) {
	conn, theirs, err := child.Pair()
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = conn.Close() }() // nothing is left to say
	err = p.TrySend([]byte{0}, int(theirs.Fd()))
	_ = theirs.Close() // it is sent, or of no use
	if errors.Is(err, child.ErrEnded) {
		return reply{}, errors.Join(ErrNotRunning, err)
	}
	if err != nil {
		return reply{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	return exchange(conn, r)
}

func exchange(conn net.Conn, r request) (reply, error) {
	if err := send(conn, r); err != nil {
		return reply{}, fmt.Errorf("ask the runner: %w", err)
	}
	var answer reply
	if err := receive(conn, &answer); err != nil {
		return reply{}, errors.Join(ErrNotRunning, fmt.Errorf("hear the runner: %w", err))
	}
	problems := make([]error, len(answer.Problems))
	for i, p := range answer.Problems {
		problems[i] = errors.New(p)
	}
	return answer, errors.Join(problems...)
}
