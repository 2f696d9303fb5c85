package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// machine is what was measured on.
type machine struct {
	kernel, processor string
	number            int // of processors
	cores             cores
	versions          []string // of the proxies
	before, later     string   // load averages
}

// lookAround collects it.
func lookAround(ctx context.Context, c cores, proxies []proxy) (machine, error) {
	m := machine{processor: "unknown processor", number: runtime.NumCPU(), cores: c}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return m, fmt.Errorf("ask for the kernel's name: %w", err)
	}
	m.kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.processor = modelName(string(b), m.processor)
	}
	for _, p := range proxies {
		v, err := p.tell(ctx)
		if err != nil {
			return m, err
		}
		m.versions = append(m.versions, p.title+" "+v)
	}
	var err error
	m.before, err = loadAverage()
	return m, err
}

// after notes what the machine had to do besides.
func (m *machine) after() (err error) {
	m.later, err = loadAverage()
	return err
}

var model = regexp.MustCompile(`(?m)^model name\s*:\s*(.+)$`)

func modelName(cpuinfo, otherwise string) string {
	if m := model.FindStringSubmatch(cpuinfo); m != nil {
		return m[1]
	}
	return otherwise
}

func loadAverage() (string, error) {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "", err
	}
	f := strings.Fields(string(b))
	if len(f) < 3 {
		return "", fmt.Errorf("/proc/loadavg: %q", b)
	}
	return strings.Join(f[:3], " "), nil
}

// tell asks a proxy for its version.
func (p proxy) tell(ctx context.Context) (string, error) {
	path, err := p.find()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, path, p.version...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("version of %s: %w: %s", p.name, err, out)
	}
	return versionIn(string(out)), nil
}

var itself = regexp.MustCompile(`(?m)^(?:tandem |HAProxy version |nginx version: nginx/)(\S+)`)

// versionIn finds the version in what a program says of itself.
func versionIn(text string) string {
	if m := itself.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// String is the machine in one line.
func (m machine) String() string {
	where := fmt.Sprintf("proxies on processor %d, load and origins on %d", m.cores.proxy, m.cores.load)
	if m.cores.proxy == m.cores.load {
		where = fmt.Sprintf("everything on processor %d: figures of such a machine are no measurement", m.cores.proxy)
	}
	return fmt.Sprintf("%s; %s, %d processors; %s; load average %s before, %s after; %s.",
		m.kernel, m.processor, m.number, strings.Join(m.versions, ", "), m.before, m.later, where)
}
