package keyfile

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"
)

// serviceGroup is the daemon's group on a host that was set up for it. Root, who checks files for the daemon, is in other
// groups.
const serviceGroup = "tandem"

// Process is who reads a secret.
type Process struct {
	Groups []int  // what they may read is not open to others
	Group  string // the one that a secret should have; empty: the owner alone should read it
}

// Own returns this process. For root the daemon's group counts as well, where the host has it.
func Own() Process {
	p := Process{Groups: []int{os.Getegid()}}
	if more, err := os.Getgroups(); err == nil { // without them fewer files pass
		p.Groups = append(p.Groups, more...)
	}
	if os.Geteuid() != 0 {
		p.Group = groupName(os.Getegid())
		return p
	}
	if g, err := user.LookupGroup(serviceGroup); err == nil {
		if gid, err := strconv.Atoi(g.Gid); err == nil {
			p.Groups, p.Group = append(p.Groups, gid), serviceGroup
		}
	}
	return p
}

// groupName returns the name of a group, or its number where it has none.
func groupName(gid int) string {
	id := strconv.Itoa(gid)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}

// Private returns an error where others than a process may read the file, or change it: who, and what to run against it.
// The process is that of reader, which is asked where it matters: Own, most of the time.
func (f *File) Private(reader func() Process) error {
	mode, gid := f.Info.Mode().Perm(), int(f.Info.Sys().(*syscall.Stat_t).Gid)
	if mode&0o077 == 0 {
		return nil
	}
	p := reader()
	ours := slices.Contains(p.Groups, gid)
	who := ""
	switch {
	case mode&0o007 != 0:
		who = "every user"
	case mode&0o070 != 0 && !ours:
		who = "group " + groupName(gid) + ", which is not the daemon's"
	default:
		return nil
	}
	mend := "chmod 0600 " + f.Name
	switch {
	case ours:
		mend = "chmod 0640 " + f.Name
	case p.Group != "":
		mend = "chgrp " + p.Group + " " + f.Name + " && chmod 0640 " + f.Name
	}
	return fmt.Errorf("%s: open to %s (mode %04o): %s", f.Name, who, mode, mend)
}
