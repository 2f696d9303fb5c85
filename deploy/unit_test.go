package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// unit is a systemd unit: section and key to the values of that key, in order.
type unit map[string][]string

// readUnit parses the part of systemd.syntax(7) that our unit uses.
func readUnit(t *testing.T, file string) unit {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	u, section := unit{}, ""
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		key, value, isSetting := strings.Cut(line, "=")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[' && line[len(line)-1] == ']':
			section = line[1 : len(line)-1]
		case isSetting && section != "":
			u[section+"."+key] = append(u[section+"."+key], value)
		default:
			t.Fatalf("%s:%d: neither section nor setting: %q", file, n+1, line)
		}
	}
	return u
}

// one returns the value of a key that must stand there once.
func (u unit) one(t *testing.T, key string) string {
	t.Helper()
	if len(u[key]) != 1 {
		t.Fatalf("%s: got values %q, want one", key, u[key])
	}
	return u[key][0]
}

func TestUnitKeepsItsPromises(t *testing.T) {
	t.Parallel()
	u := readUnit(t, "tandem.service")
	const caps = "CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_SETUID CAP_SETGID CAP_KILL"
	tests := []struct {
		promise string
		key     string
		want    []string
	}{
		{"ready when it serves", "Service.Type", []string{"notify"}},
		{"only the daemon speaks for the service", "Service.NotifyAccess", []string{"main"}},
		{"the daemon of this file", "Service.ExecStart", []string{"/usr/local/bin/tandem run --config /etc/tandem/tandem.yaml --runtime-dir /run/tandem"}},
		{"a reload checks first, then waits for the outcome", "Service.ExecReload",
			[]string{"/usr/local/bin/tandem check /etc/tandem/tandem.yaml", "/usr/local/bin/tandem reload"}},
		{"addresses left behind go, whatever ended the service", "Service.ExecStopPost",
			[]string{"/usr/local/bin/tandem keeper replay --runtime-dir /run/tandem"}},
		{"always started again", "Service.Restart", []string{"always"}},
		{"however often", "Unit.StartLimitIntervalSec", []string{"0"}},
		{"nothing outlives the service, and the keeper sees to its will", "Service.KillMode", []string{"control-group"}},
		{"the death of one process by the kernel is not everyone's", "Service.OOMPolicy", []string{"continue"}},
		{"the keeper is the last to be killed for memory", "Service.OOMScoreAdjust", []string{"-1000"}},
		{"the keeper may run in real time", "Service.RestrictRealtime", nil},
		{"at the priorities that users of Keepalived know, and no higher", "Service.LimitRTPRIO", []string{"50"}},
		{"a real-time process that hangs is ended", "Service.LimitRTTIME", []string{"10s"}},
		{"the keeper's memory can be locked, and no one's gigabytes", "Service.LimitMEMLOCK", []string{"128M"}},
		{"no core dump delays the will", "Service.LimitCORE", []string{"0"}},
		{"an unprivileged user", "Service.User", []string{"tandem"}},
		{"its group has the socket", "Service.Group", []string{"tandem"}},
		{"what it needs as that user", "Service.AmbientCapabilities", []string{caps}},
		{"and nothing else", "Service.CapabilityBoundingSet", []string{caps}},
		{"nor by a set-user-ID program", "Service.NoNewPrivileges", []string{"yes"}},
		{"the runtime directory is its own", "Service.RuntimeDirectory", []string{"tandem"}},
		{"for its group too, for nobody else", "Service.RuntimeDirectoryMode", []string{"0750"}},
		{"access logs have a place, which others cannot read", "Service.LogsDirectory", []string{"tandem"}},
		{"nor enter", "Service.LogsDirectoryMode", []string{"0750"}},
		{"the will survives stop and start", "Service.RuntimeDirectoryPreserve", []string{"yes"}},
		{"adverts, ARP, netlink, sockets: no other families", "Service.RestrictAddressFamilies", []string{"AF_INET AF_INET6 AF_UNIX AF_NETLINK AF_PACKET"}},
		{"the usual system calls", "Service.SystemCallFilter", []string{"@system-service"}},
		{"of this architecture", "Service.SystemCallArchitectures", []string{"native"}},
		{"system files are read-only", "Service.ProtectSystem", []string{"full"}},
		{"homes are out of sight", "Service.ProtectHome", []string{"yes"}},
		{"no device files", "Service.PrivateDevices", []string{"yes"}},
		{"a /tmp of its own", "Service.PrivateTmp", []string{"yes"}},
		{"no kernel modules", "Service.ProtectKernelModules", []string{"yes"}},
		{"no kernel log", "Service.ProtectKernelLogs", []string{"yes"}},
		{"no control groups", "Service.ProtectControlGroups", []string{"yes"}},
		{"no clock", "Service.ProtectClock", []string{"yes"}},
		{"no new namespaces", "Service.RestrictNamespaces", []string{"yes"}},
		{"no set-user-ID files", "Service.RestrictSUIDSGID", []string{"yes"}},
		{"sysctls are written", "Service.ProtectKernelTunables", nil},
		{"check scripts see other processes", "Service.ProtectProc", nil},
		{"the keeper gets no signal of its own at the end", "Service.ExecStop", nil},
		{"it starts with the host", "Install.WantedBy", []string{"multi-user.target"}},
	}
	for _, tt := range tests {
		t.Run(tt.key, func(t *testing.T) {
			t.Parallel()
			if got := u[tt.key]; !slices.Equal(got, tt.want) {
				t.Errorf("%s: got %s=%q, want %q", tt.promise, tt.key, got, tt.want)
			}
		})
	}
}

// Numbers whose promise is a bound.
func TestUnitBounds(t *testing.T) {
	t.Parallel()
	u := readUnit(t, "tandem.service")
	files, err := strconv.Atoi(u.one(t, "Service.LimitNOFILE"))
	if err != nil {
		t.Fatal(err)
	}
	const connections = 50000 // that one daemon is to hold, two descriptors each
	if files <= 2*connections {
		t.Errorf("LimitNOFILE: got %d, want more than twice %d", files, connections)
	}
	tests := []struct {
		promise, key string
		least, most  time.Duration
	}{
		{"later than the keeper, which waits 2 s", "Service.WatchdogSec", 5 * time.Second, 30 * time.Second},
		{"time for a notify script, 10 s by default", "Service.TimeoutStopSec", 15 * time.Second, time.Minute},
		{"soon, and never in a hot loop", "Service.RestartSec", 100 * time.Millisecond, 5 * time.Second},
	}
	for _, tt := range tests {
		got, err := time.ParseDuration(u.one(t, tt.key))
		if err != nil || got < tt.least || got > tt.most {
			t.Errorf("%s: got %s=%v, %v; want %v to %v", tt.promise, tt.key, got, err, tt.least, tt.most)
		}
	}
}

func TestUnitUsersAreMade(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("sysusers.d/tandem.conf")
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "u" {
			users = append(users, fields[1])
		}
	}
	if want := []string{"tandem", "tandem_script"}; !slices.Equal(users, want) {
		t.Errorf("got users %q, want %q", users, want)
	}
}

// What `make install` copies is there, and the unit starts it from where it is copied to.
func TestInstalledFilesExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	installed := 0
	for _, word := range strings.Fields(string(text)) {
		if !strings.HasPrefix(word, "deploy/") {
			continue
		}
		installed++
		if _, err := os.Stat(filepath.Join("..", word)); err != nil {
			t.Errorf("the Makefile names %s: %v", word, err)
		}
	}
	if installed < 4 {
		t.Errorf("the Makefile names %d files of deploy/, want the unit, users, sysctls and an example", installed)
	}
	if !strings.Contains(string(text), "$(DESTDIR)$(PREFIX)/bin/tandem") || !strings.Contains(string(text), "/usr/local\n") {
		t.Error("the Makefile does not install /usr/local/bin/tandem, which the unit starts")
	}
}

// TestIntegrationUnitVerify has systemd itself read the unit: a misspelt key is nothing but a warning to it.
func TestIntegrationUnitVerify(t *testing.T) {
	t.Parallel()
	analyze := tool(t, "systemd-analyze")
	text, err := os.ReadFile("tandem.service")
	if err != nil {
		t.Fatal(err)
	}
	// Verify looks for the programs, which are not installed where tests run.
	file := filepath.Join(t.TempDir(), "tandem.service")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/tandem", "/bin/true")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", file).CombinedOutput()
	if complaints := about(string(out), "tandem.service"); err != nil || complaints != "" {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// about returns the lines of out that speak of name; the rest is about other units of the host.
func about(out, name string) string {
	var lines strings.Builder
	for line := range strings.Lines(out) {
		if strings.Contains(line, name) {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// tool returns the path of a program that a test needs, or skips the test; in CI nothing may be missing.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} { // not in every user's PATH
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	missing(t, name+" is not installed")
	return ""
}

func missing(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}
