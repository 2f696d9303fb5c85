package admin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// maxLine bounds a line of commands, as HAProxy's default buffer does.
	maxLine = 16 << 10
	// maxConns bounds the connections served at once; more wait in the kernel's backlog.
	maxConns = 32
	// idle is how long a connection may be silent before it is closed, and how long writing an answer may take.
	idle = 10 * time.Second
)

// Config says where the runtime socket is.
type Config struct {
	Path  string
	Mode  fs.FileMode // permission bits of the socket; 0: 0660
	Group string      // group that owns it, by name or number; empty: the daemon's own
}

// Server answers on the runtime socket.
type Server struct {
	node     Node
	log      hclog.Logger
	listener *net.UnixListener
}

// Listen opens the socket. A socket file that a former run left is replaced: the caller holds the node's lock, so nobody
// else can be listening on it. A path that is something other than a socket is an error.
func Listen(cfg Config, node Node, log hclog.Logger) (*Server, error) {
	if log == nil {
		log = hclog.NewNullLogger()
	}
	if info, err := os.Lstat(cfg.Path); err == nil {
		if info.Mode()&fs.ModeSocket == 0 {
			return nil, fmt.Errorf("listen on %s: it exists and is no socket", cfg.Path)
		}
		if err := os.Remove(cfg.Path); err != nil {
			return nil, fmt.Errorf("replace the socket of a former run: %w", err)
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: cfg.Path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Path, err)
	}
	if err := setAccess(cfg); err != nil {
		_ = l.Close() // the access error is the one to tell
		return nil, err
	}
	return &Server{node: node, log: log, listener: l}, nil
}

func setAccess(cfg Config) error {
	mode := cfg.Mode
	if mode == 0 {
		mode = 0o660
	}
	if cfg.Group != "" {
		gid, err := groupID(cfg.Group)
		if err != nil {
			return err
		}
		if err := os.Chown(cfg.Path, -1, gid); err != nil {
			return fmt.Errorf("give %s to group %s: %w", cfg.Path, cfg.Group, err)
		}
	}
	if err := os.Chmod(cfg.Path, mode); err != nil {
		return fmt.Errorf("set the mode of %s: %w", cfg.Path, err)
	}
	return nil
}

func groupID(name string) (int, error) {
	if gid, err := strconv.Atoi(name); err == nil {
		return gid, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("group of the runtime socket: %w", err)
	}
	return strconv.Atoi(g.Gid)
}

// Close closes a server whose Run was never called.
func (s *Server) Close() error { return s.listener.Close() }

// Run answers until ctx ends, then ends its connections and removes the socket.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.listener.Close() }) // unblocks Accept; closing twice is harmless
	defer stop()
	slots := make(chan struct{}, maxConns)
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := s.listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close() // it came as we were leaving
			}
			return nil
		case err != nil && errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept on the runtime socket: %w", err)
		case err != nil:
			s.log.Warn("accept on the runtime socket", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond): // out of descriptors, most likely: let some close
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			_ = conn.Close() // nothing was answered yet
			return nil
		}
		conns.Go(func() {
			defer func() { <-slots }()
			s.serve(ctx, conn)
		})
	}
}

func (s *Server) serve(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	in := bufio.NewReaderSize(conn, maxLine)
	interactive := false
	for {
		_ = conn.SetDeadline(time.Now().Add(idle)) // an error here shows in the read
		line, err := in.ReadSlice('\n')
		if err != nil && (len(line) == 0 || errors.Is(err, bufio.ErrBufferFull)) {
			if errors.Is(err, bufio.ErrBufferFull) {
				_, _ = fmt.Fprintf(conn, "The line is longer than %d bytes.\n\n", maxLine)
			}
			return
		}
		reply, more := s.reply(ctx, string(line), &interactive)
		_ = conn.SetDeadline(time.Now().Add(idle))
		if _, err := conn.Write([]byte(reply)); err != nil || !more {
			return
		}
	}
}

// reply carries out a line of commands. More is false when the connection is done.
func (s *Server) reply(ctx context.Context, line string, interactive *bool) (text string, more bool) {
	var b strings.Builder
	for _, cmd := range strings.Split(strings.TrimSpace(line), ";") {
		switch strings.TrimSpace(cmd) {
		case "quit":
			return b.String(), false
		case "prompt":
			*interactive = true
			continue
		}
		b.WriteString(answer(ctx, s.node, cmd))
		b.WriteByte('\n')
	}
	if *interactive {
		b.WriteString("> ")
	}
	return b.String(), *interactive
}
