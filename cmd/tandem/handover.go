package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tandem-lb/tandem/internal/admin"
	"github.com/tandem-lb/tandem/internal/status"
)

const (
	// usualHandover is long enough for a reboot, and short enough for a node that was forgotten.
	usualHandover = 10 * time.Minute
	// handoverPoll is how often the outcome is looked at.
	handoverPoll = 50 * time.Millisecond
	// handoverDowns down intervals is what it takes at most: one to wait for a successor, half of one as a reserve, a skew time
	// after the resignation and one to come back. handoverSlack is added: addresses take their time too.
	handoverDowns = 3
	handoverSlack = 5 * time.Second
)

func handoverCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "handover",
		Short: "Give the addresses to the other node, and leave them there until released",
		Long: `Give the addresses to the other node, and leave them there until released.

Where this node is MASTER it advertises the lowest priority and serves on, until the other node has taken over: a down
interval later, and without a gap. Where none has, because it does not preempt, this one resigns in order: accepting pauses,
the addresses go, then the advert of priority 0, then connections on them end. With --now it does so at once: that costs the other
node's skew time, and is sooner over. Connections that are open end either way.

From then on, and where it is BACKUP at once, this node leaves a live master alone, whatever the priorities, for the time of
--for or until --release. It still takes over when no other node is master: when nobody takes the addresses it has them
again after its down interval. A reload does not end it, a restart of the daemon does.

It waits for the outcome. Exit 0: another node is MASTER, or this one was BACKUP already. 1: nobody took over, or the
daemon could not be asked.`,
		Args: cobra.NoArgs,
	}
	socket := socketFlag(cmd)
	instances := cmd.Flags().StringArray("instance", nil, "this instance only; may be given again (default: all; a sync group moves as a whole)")
	hold := cmd.Flags().Duration("for", usualHandover, "how long to stay away, 1s to 24h")
	now := cmd.Flags().Bool("now", false, "resign at once, and do not wait for the other node to take over first")
	release := cmd.Flags().Bool("release", false, "end a handover: this node may preempt again")
	cmd.MarkFlagsMutuallyExclusive("for", "release")
	cmd.MarkFlagsMutuallyExclusive("now", "release")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := admin.CheckHandover(*hold); err != nil {
			return err
		}
		first := []string{hold.String()}
		switch {
		case *release:
			first = []string{"release"}
		case *now:
			first = []string{"now", hold.String()}
		}
		done, err := askHandover(cmd.Context(), *socket, append(first, *instances...))
		if err != nil {
			return err
		}
		if *release {
			return printReleased(cmd.OutOrStdout(), done)
		}
		return awaitHandover(cmd.Context(), cmd.OutOrStdout(), *socket, done)
	}
	return cmd
}

func askHandover(ctx context.Context, socket string, words []string) (done []admin.Handover, err error) {
	text, err := call(ctx, reloadTimeout, socket, "handover "+strings.Join(words, " "))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &done); err != nil {
		return nil, fmt.Errorf("read the daemon's answer: %w", err)
	}
	return done, nil
}

func printReleased(w io.Writer, done []admin.Handover) error {
	for _, h := range done {
		text := "is released: it may preempt again"
		if !h.Held {
			text = "was not handed over"
		}
		if _, err := fmt.Fprintf(w, "%s is %s, and %s\n", h.Instance, h.State, text); err != nil {
			return err
		}
	}
	return nil
}

// awaitHandover waits until it is known for each instance who has its addresses, and says so.
func awaitHandover(ctx context.Context, w io.Writer, socket string, done []admin.Handover) error {
	failed := false
	for _, h := range done {
		text, ok, err := awaitSuccessor(ctx, socket, h)
		if err != nil {
			return err
		}
		failed = failed || !ok
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	if failed {
		return exitError(1)
	}
	return nil
}

// awaitSuccessor asks for the status until the outcome for one instance is known. ok: it is as wanted.
func awaitSuccessor(ctx context.Context, socket string, h admin.Handover) (text string, ok bool, err error) {
	if h.State != status.Master {
		return fmt.Sprintf("%s is %s: it leaves a live master alone until %s", h.Instance, h.State, h.Until.Local().Format(time.TimeOnly)), true, nil
	}
	begun := time.Now()
	for {
		i, err := instanceStatus(ctx, socket, h.Instance)
		if err != nil {
			return "", false, err
		}
		if text, ok, known := outcome(h, i); known {
			return text, ok, nil
		}
		if patience := time.Duration(handoverDowns*i.DownAfter*float64(time.Second)) + handoverSlack; time.Since(begun) > patience {
			return fmt.Sprintf("%s is %s, and no other master has been heard for %v", h.Instance, i.State, patience.Round(time.Second)), false, nil
		}
		select {
		case <-ctx.Done():
			return "", false, ctx.Err()
		case <-time.After(handoverPoll):
		}
	}
}

func instanceStatus(ctx context.Context, socket, name string) (status.Instance, error) {
	text, err := call(ctx, clientTimeout, socket, "status")
	if err != nil {
		return status.Instance{}, err
	}
	var s status.Snapshot
	if err := json.Unmarshal(text, &s); err != nil {
		return status.Instance{}, fmt.Errorf("read the daemon's status: %w", err)
	}
	n := slices.IndexFunc(s.Instances, func(i status.Instance) bool { return i.Name == name })
	if n < 0 {
		return status.Instance{}, fmt.Errorf("a reload has taken instance %s away", name)
	}
	return s.Instances[n], nil
}

// outcome is what became of an instance that was MASTER. known is false while that is open.
func outcome(h admin.Handover, i status.Instance) (text string, ok, known bool) {
	switch {
	case i.Epoch == h.Epoch: // it looks for a successor, or is still resigning
		return "", false, false
	case i.State == status.Master:
		return fmt.Sprintf("nobody took over: %s is MASTER here again", i.Name), false, true
	case i.Peer == nil:
		return "", false, false
	}
	text = fmt.Sprintf("%s: %s is MASTER since %s", i.Name, owner(i.Peer), i.Peer.Since.Local().Format(time.TimeOnly))
	if gap := i.Peer.Since.Sub(i.Since); gap > 0 {
		text += fmt.Sprintf(", %v after this node gave up", gap.Round(time.Millisecond))
	}
	return text + fmt.Sprintf("; this node leaves it alone until %s", h.Until.Local().Format(time.TimeOnly)), true, true
}

// owner is a router's address, and its node's name where that is known.
func owner(r *status.Router) string {
	if r.Node == "" {
		return r.Address.String()
	}
	return r.Node + "'s " + r.Address.String()
}
