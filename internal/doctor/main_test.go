package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tandem-lb/tandem/internal/netlab"
)

// available is why labs cannot be built here, nil where they can.
var available error

// Roles of a copy of this program that runs on a node of a lab.
const (
	roleKey     = "TANDEM_DOCTOR_TEST"
	roleExamine = "examine" // print the findings about the plan in planKey
	roleHold    = "hold"    // hold a socket for adverts until killed
	planKey     = "TANDEM_DOCTOR_PLAN"
)

func TestMain(m *testing.M) {
	code, done, err := netlab.Enter()
	if done {
		os.Exit(code)
	}
	available = err
	switch os.Getenv(roleKey) {
	case roleExamine:
		exitOn(examineHere())
	case roleHold:
		exitOn(holdHere())
	}
	goleak.VerifyTestMain(m)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// listenFor is how long the doctor listens in these tests: speakers speak every 50 ms.
const listenFor = 600 * time.Millisecond

func examineHere() error {
	var p Plan
	if err := json.Unmarshal([]byte(os.Getenv(planKey)), &p); err != nil {
		return err
	}
	f, err := Examine(context.Background(), p, listenFor)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(struct {
		Facts    *Facts
		Findings []Finding
	}{f, Judge(f)})
}

func holdHere() error {
	conn, err := net.ListenPacket("ip4:112", "0.0.0.0")
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Println("holding")
	select {}
}

// examination is what came of running the doctor on a node.
type examination struct {
	facts    *Facts
	findings []Finding
}

// of returns the findings of a check that are not ok.
func (e examination) of(check string) []Finding {
	var all []Finding
	for _, f := range e.findings {
		if f.Check == check && f.Level != OK {
			all = append(all, f)
		}
	}
	return all
}

// examineOn runs the doctor on a node.
func examineOn(t *testing.T, n *netlab.Node, p Plan) examination {
	t.Helper()
	plan, err := json.Marshal(p)
	must(t, "write plan", err)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleKey+"="+roleExamine, planKey+"="+string(plan))
	process, err := n.Start(cmd)
	must(t, "start the doctor", err)
	if err := process.Wait(patient(t)); err != nil {
		t.Fatalf("doctor: %v: %s", err, process.Output())
	}
	var result struct {
		Facts    *Facts
		Findings []Finding
	}
	if err := json.Unmarshal([]byte(process.Output()), &result); err != nil {
		t.Fatalf("read what the doctor says: %v: %s", err, process.Output())
	}
	return examination{result.Facts, result.Findings}
}

// patient is a context that ends long after whatever a test awaits should have happened.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", what, err))
	}
}

// UnmarshalText reads what MarshalText writes.
func (l *Level) UnmarshalText(b []byte) error {
	for _, level := range []Level{OK, Warning, Problem} {
		if level.String() == string(b) {
			*l = level
			return nil
		}
	}
	return errors.New("unknown level " + string(b))
}
