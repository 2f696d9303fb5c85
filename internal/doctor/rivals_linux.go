package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// rawSockets finds the processes that hold raw sockets for protocol 112 in this network namespace, each once.
func rawSockets() ([]RawSocket, error) {
	inodes := map[string]bool{}
	for _, name := range []string{"raw", "raw6"} {
		b, err := os.ReadFile("/proc/thread-self/net/" + name)
		if errors.Is(err, fs.ErrNotExist) { // a kernel without IPv6
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list raw sockets: %w", err)
		}
		for _, inode := range advertSockets(string(b)) {
			inodes[inode] = false
		}
	}
	if len(inodes) == 0 {
		return nil, nil
	}
	found := holders(inodes)
	for _, seen := range inodes {
		if !seen {
			return append(found, RawSocket{}), nil // one entry stands for all that nobody can see
		}
	}
	return found, nil
}

// advertSockets returns the inodes of the sockets for protocol 112 in the format of /proc/net/raw: where other sockets have
// the local port stands the protocol.
func advertSockets(list string) []string {
	var inodes []string
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) < 10 {
			continue
		}
		_, port, _ := strings.Cut(fields[1], ":")
		if n, err := strconv.ParseUint(port, 16, 16); err == nil && n == protocolVRRP {
			inodes = append(inodes, fields[9])
		}
	}
	return inodes
}

// holders finds the processes that have the sockets open, and marks the inodes that it found. Processes that end
// meanwhile, or may not be looked into, are passed over.
func holders(inodes map[string]bool) []RawSocket {
	var found []RawSocket
	processes, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well formed
	for _, dir := range processes {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(dir, "fd"))
		if err != nil {
			continue
		}
		holds := false
		for _, e := range entries {
			target, err := os.Readlink(filepath.Join(dir, "fd", e.Name()))
			if err != nil {
				continue
			}
			inode, ok := strings.CutSuffix(strings.TrimPrefix(target, "socket:["), "]")
			if _, wanted := inodes[inode]; ok && wanted {
				inodes[inode], holds = true, true
			}
		}
		if holds {
			name, _ := os.ReadFile(filepath.Join(dir, "comm")) // gone already: it has no name
			found = append(found, RawSocket{PID: pid, Name: strings.TrimSpace(string(name))})
		}
	}
	slices.SortFunc(found, func(a, b RawSocket) int { return a.PID - b.PID })
	return found
}
