package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/internal/status"
)

// Node is the running daemon as the socket sees it.
type Node interface {
	// Snapshot never waits for the state machine.
	Snapshot() status.Snapshot
	// Reload reads the configuration file again and applies it, all or nothing. With force a change that breaks the
	// wire between running nodes is applied too.
	Reload(ctx context.Context, force bool) error
	// Handover has instances leave a live master alone for a while, and resign where they are MASTER; Release ends that.
	// No names: all. A sync group moves as a whole.
	Handover(instances []string, hold time.Duration, atOnce bool) ([]Handover, error)
	Release(instances []string) ([]Handover, error)
}

// command is one line of the table.
type command struct {
	name string // one or more words
	args string // for help
	help string
	run  func(ctx context.Context, n Node, args []string) (string, error)
}

// commands is the one table of what the socket understands.
func commands() []command {
	return []command{
		{"status", "", "the whole state as JSON", runStatus},
		{"explain", "[INSTANCE]", "why an instance is MASTER, BACKUP or FAULT, as JSON", runExplain},
		{"reload", "[force]", "read the configuration file again, all or nothing", runReload},
		{"handover", "DURATION|release [INSTANCE]...", "give up mastership and stay away for so long, or come back, as JSON", runHandover},
		{"version", "", "the version of the running daemon, as JSON", runVersion},
	}
}

// Reply is the JSON answer of commands that do something.
type Reply struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

func runStatus(_ context.Context, n Node, args []string) (string, error) {
	if len(args) > 0 {
		return "", fmt.Errorf("status takes no argument, got %q", args[0])
	}
	return document(n.Snapshot())
}

func runExplain(_ context.Context, n Node, args []string) (string, error) {
	if len(args) > 1 {
		return "", fmt.Errorf("explain takes at most one instance, got %d", len(args))
	}
	name := ""
	if len(args) == 1 {
		name = args[0]
	}
	lines, err := status.Explain(n.Snapshot(), name)
	if err != nil {
		return "", err
	}
	return document(lines)
}

func runReload(ctx context.Context, n Node, args []string) (string, error) {
	force := slices.Equal(args, []string{"force"})
	if len(args) > 0 && !force {
		return "", fmt.Errorf("reload takes nothing or the word force, got %q", strings.Join(args, " "))
	}
	if err := n.Reload(ctx, force); err != nil {
		return "", err
	}
	return document(Reply{OK: true})
}

func runVersion(_ context.Context, n Node, _ []string) (string, error) {
	return document(struct {
		Version string `json:"version"`
	}{n.Snapshot().Version})
}

func document(v any) (string, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode the answer: %w", err)
	}
	return string(text) + "\n", nil
}

// answer carries out one command and returns its text, without the closing empty line.
func answer(ctx context.Context, n Node, line string) string {
	words := strings.Fields(line)
	if len(words) == 0 {
		return ""
	}
	if words[0] == "help" {
		return helpText()
	}
	for _, c := range commands() {
		if c.name != words[0] {
			continue
		}
		text, err := c.run(ctx, n, words[1:])
		if err != nil {
			text, _ = document(Reply{Error: err.Error()}) // a Reply always encodes
		}
		return text
	}
	return fmt.Sprintf("Unknown command: %q. The command help lists them.\n", words[0])
}

func helpText() string {
	var b strings.Builder
	b.WriteString("The following commands are valid:\n")
	line := func(name, help string) { fmt.Fprintf(&b, "  %-20s : %s\n", name, help) }
	for _, c := range commands() {
		line(strings.TrimSpace(c.name+" "+c.args), c.help)
	}
	line("help", "this list")
	line("prompt", "keep the connection open and show a prompt")
	line("quit", "close the connection")
	return b.String()
}
