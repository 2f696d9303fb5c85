package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/proxy/certs"
)

func checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a configuration file: exit 0 when a daemon can run with it, 1 when not",
		Long: `Check a configuration file: exit 0 when a daemon can run with it, 1 when not.

Everything wrong is told at once, as file:line:col: path: what, want what. Warnings do not fail the check: they tell of
what works and is hardly meant, such as weights that can never make the other node take over. Where this host is one of
the file's nodes, its interfaces, programs, certificates, key files and those of its sites are looked at too.`,
		Args: oneFile,
	}
	node := cmd.Flags().String("node", "", "check as this node (default: $TANDEM_NODE, else the host name)")
	offline := cmd.Flags().Bool("offline", false, "look at the file only, not at this host")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, problems := config.LoadAlone(args[0])
		view, reason := (*config.Node)(nil), "only the file was checked"
		if cfg != nil && !*offline {
			var err error
			if view, err = thisNode(cfg, *node); err != nil {
				if *node != "" {
					return err
				}
				reason = "this host is none of its nodes, so only the file was checked"
			} else {
				problems = checkHere(args[0], view.Name)
			}
		}
		if _, err := problems.WriteTo(cmd.ErrOrStderr()); err != nil {
			return err
		}
		if n := len(problems.Errors()); n > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", args[0], counted(n, "error"))
			return exitError(1)
		}
		verdict := "ok"
		if n := len(problems.Warnings()); n > 0 {
			verdict += ", " + counted(n, "warning")
		}
		if view == nil {
			verdict += "; " + reason
		} else {
			verdict += "; checked as node " + view.Name
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", args[0], verdict)
		return err
	}
	return cmd
}

func oneFile(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("check: want one configuration file, got %d", len(args))
	}
	return nil
}

// thisNode is the view of the node that this host is.
func thisNode(cfg *config.Config, flag string) (*config.Node, error) {
	name, err := config.NodeName(flag, os.Getenv, os.Hostname)
	if err != nil {
		return nil, err
	}
	return cfg.Node(name)
}

// checkHere checks a file as a node that this host is: with the key files that the file names, and what else is here.
func checkHere(file, node string) config.Problems {
	cfg, problems := config.Load(file)
	if cfg == nil {
		return problems
	}
	view, err := cfg.Node(node)
	if err != nil { // the file has been replaced meanwhile
		return append(problems, config.Problem{File: file, What: err.Error()})
	}
	host := checkedHost(func(w string) {
		problems = append(problems, config.Problem{File: file, What: w, Warning: true})
	})
	return append(cfg.CheckHost(view, host), problems...)
}

// checkedHost is this host with its files for TLS; what is doubtful in certificates goes to warn.
func checkedHost(warn func(string)) config.Host {
	h := config.ThisHost()
	h.Certificates = func(paths []certs.Path) error {
		store, err := certs.Load(paths)
		if err != nil {
			return err
		}
		for _, w := range store.Warnings() {
			warn(w)
		}
		return nil
	}
	h.Authorities, h.TicketSecret = certs.CheckAuthorities, certs.CheckTicketSecret
	return h
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
