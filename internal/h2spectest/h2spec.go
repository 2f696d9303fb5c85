package h2spectest

import (
	"encoding/xml"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Cases is how many h2spec has, the strict ones with them. A run of fewer is none.
const Cases = 146

// timeout is how many seconds h2spec waits for what does not come; no case needs it where nothing is wrong.
const timeout = 5

// Run holds the server at an address to all cases: none may fail, none may be skipped. Beside that the server has to answer
// GET and HEAD / with some octets, and POST / with anything.
func Run(t *testing.T, at netip.AddrPort, overTLS bool) {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.xml")
	args := []string{
		"-h", at.Addr().String(), "-p", strconv.Itoa(int(at.Port())), "-o", strconv.Itoa(timeout), "-j", report, "--strict",
	}
	if overTLS {
		args = append(args, "-t", "-k")
	}
	out, err := exec.CommandContext(t.Context(), build(t), args...).CombinedOutput()
	text, rerr := os.ReadFile(report)
	if rerr != nil {
		t.Fatalf("h2spec: %v: %s", err, out) // it writes the report after failures, too
	}
	cases, failures, err := read(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range failures {
		t.Error(f)
	}
	if cases != Cases {
		t.Errorf("h2spec ran %d cases, want %d", cases, Cases)
	}
}

// build makes h2spec of the sources that tools.mod pins, and skips the test where they cannot be had; in CI that fails.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "h2spec")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-modfile="+filepath.Join(root(t), "tools.mod"), "-o", path, "github.com/summerwind/h2spec/cmd/h2spec")
	cmd.Dir = root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		skip := t.Skipf
		if os.Getenv("CI") == "true" {
			skip = t.Fatalf
		}
		skip("build h2spec: %v: %s", err, out)
	}
	return path
}

// root is the directory of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "tools.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("no tools.mod above the test")
	return ""
}

// read takes a report apart: how many cases there were, and what is to be said of those that did not pass.
func read(text []byte) (cases int, failures []string, err error) {
	var report struct {
		Suites []struct {
			Cases []struct {
				Section string    `xml:"package,attr"`
				Name    string    `xml:"classname,attr"`
				Failure *string   `xml:"failure"`
				Error   *string   `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &report); err != nil {
		return 0, nil, err
	}
	for _, s := range report.Suites {
		for _, c := range s.Cases {
			cases++
			name := c.Section + ": " + c.Name
			switch {
			case c.Failure != nil:
				failures = append(failures, name+": "+strings.TrimSpace(*c.Failure))
			case c.Error != nil:
				failures = append(failures, name+": "+strings.TrimSpace(*c.Error))
			case c.Skipped != nil:
				failures = append(failures, name+": skipped")
			}
		}
	}
	return cases, failures, nil
}
