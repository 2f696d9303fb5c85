package health

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// ran is what a runner was asked for, and what it answers.
type ran struct {
	id        string
	args, env []string
	status    int
	output    string
	err       error
	hangs     bool
}

func (r *ran) Exec(ctx context.Context, id string, args, env []string) (int, string, error) {
	r.id, r.args, r.env = id, args, env
	if r.hangs {
		<-ctx.Done()
		return 0, "", ctx.Err()
	}
	return r.status, r.output, r.err
}

func TestScript(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		runner *ran
		want   outcome
	}{
		{"good", &ran{}, outcome{ok: true, text: "script exit status 0"}},
		{"good and talkative", &ran{output: " lag 0.1 s\n"}, outcome{ok: true, text: `script exit status 0: "lag 0.1 s"`}},
		{"bad", &ran{status: 2, output: "replica is behind\n"}, outcome{text: `script exit status 2: "replica is behind"`, code: 2}},
		{"hangs", &ran{hangs: true}, outcome{text: "script timeout"}},
		{"timed out there", &ran{err: context.DeadlineExceeded, output: "asking"}, outcome{text: `script timeout: "asking"`}},
		{"cannot run", &ran{err: errors.New("permission denied" + strings.Repeat(".", 1000))}, outcome{text: "cannot run: permission denied" + strings.Repeat(".", maxReason-29)}},
	} {
		target := Target{Backend: "db", Server: "pg1", Address: netip.MustParseAddrPort("192.0.2.1:5432"), Runner: tt.runner}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if got := look(ctx, Check{Kind: &Script{}}, target); got != tt.want {
			t.Errorf("%s: got  %+v\nwant %+v", tt.name, got, tt.want)
		}
		cancel()
		wantEnv := []string{"TANDEM_BACKEND=db", "TANDEM_SERVER=pg1", "TANDEM_ADDRESS=192.0.2.1", "TANDEM_PORT=5432"}
		if r := tt.runner; r.id != "check/db/pg1" || !slices.Equal(r.args, []string{"192.0.2.1", "5432"}) || !slices.Equal(r.env, wantEnv) {
			t.Errorf("%s: ran %s %q with %q", tt.name, r.id, r.args, r.env)
		}
	}
	if got := look(t.Context(), Check{Kind: &Script{}}, Target{}); got != (outcome{text: "cannot run: nothing runs scripts here"}) {
		t.Errorf("without a runner: got %+v", got)
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	checks := []Check{
		{}, {Kind: &TCP{Port: 1}}, {Interval: 1}, {FastInterval: 1}, {DownInterval: 1}, {Timeout: 1}, {Rise: 1}, {Fall: 1}, {Init: InitUp},
		{Kind: &HTTP{}}, {Kind: &HTTP{Method: "HEAD"}}, {Kind: &HTTP{Path: "/x"}}, {Kind: &HTTP{Host: "x"}}, {Kind: &HTTP{Fields: []Field{{"a", "b"}}}},
		{Kind: &HTTP{Status: []Status{{200, 200}}}}, {Kind: &HTTP{Body: "x"}}, {Kind: &HTTP{Regexp: "x"}}, {Kind: &HTTP{Port: 1}},
		{Kind: &GRPC{}}, {Kind: &GRPC{Service: "x"}}, {Kind: &GRPC{Port: 1}},
		{Kind: &Script{}}, {Kind: &Script{Command: []string{"/x"}}}, {Kind: &Script{User: "x"}},
	}
	for i := range checks {
		for j := range checks {
			a, b := checks[i], checks[j]
			if k, ok := a.Kind.(*HTTP); ok { // the same, not the same pointer
				h := *k
				h.Fields, h.Status = slices.Clone(h.Fields), slices.Clone(h.Status)
				a.Kind = &h
			}
			if got := a.Same(&b); got != (i == j) {
				t.Errorf("%+v and %+v: got %t", a, b, got)
			}
		}
	}
	if err := (&Check{Kind: &HTTP{Regexp: "("}}).Fault(); err == nil || err.Error() != "error parsing regexp: missing closing ): `(`" {
		t.Errorf("got %v", err)
	}
	if !(&Check{}).Same(&Check{Kind: &TCP{}}) {
		t.Error("a connection is not what a check without a kind is")
	}
	if err := (&Check{}).Fault(); err != nil {
		t.Errorf("got %v", err)
	}
}
