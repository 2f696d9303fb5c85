package health

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// redis answers PING and INFO as Redis does, in pieces.
func redis(role string) func(net.Conn) {
	return func(conn net.Conn) {
		for r := bufio.NewReader(conn); ; {
			line, err := r.ReadString('\n')
			answer := "-ERR unknown command\r\n"
			switch {
			case err != nil:
				return
			case line == "PING\r\n":
				answer = "+PONG\r\n"
			case line == "INFO replication\r\n":
				answer = "$30\r\n# Replication\r\nrole:" + role + "\r\n\r\n"
			}
			for _, piece := range []string{answer[:3], answer[3:]} {
				_, _ = io.WriteString(conn, piece) // an error shows at the probe
				time.Sleep(time.Millisecond)
			}
		}
	}
}

func TestTCPSteps(t *testing.T) {
	t.Parallel()
	ping := []Step{{Send: "PING\r\n"}, {Expect: "+PONG"}}
	master := append(ping[:2:2], Step{Send: "INFO replication\r\n"}, Step{Regexp: "role:m[a-z]+\r"})
	for _, tt := range []struct {
		name   string
		steps  []Step
		server func(net.Conn)
		ok     bool
		want   string
	}{
		{"pong", ping, redis("slave"), true, "layer 7 answers as expected"},
		{"a master", master, redis("master"), true, "layer 7 answers as expected"},
		{"no master", master, redis("slave"), false, `layer 7 timeout, want a match of "role:m[a-z]+\r": "$30\r\n# Replication\r\nrole:slave"`},
		{"another answer", []Step{{Send: "PONG\r\n"}, {Expect: "+PONG"}}, redis("master"), false, `layer 7 timeout, want "+PONG": "-ERR unknown command"`},
		{"what came before", append(ping[:2:2], Step{Send: "QUIT\r\n"}, Step{Expect: "+PONG"}), redis("master"), false, `layer 7 timeout, want "+PONG": "-ERR unknown command"`},
		{"two of one answer", []Step{{Send: "PING\r\n"}, {Expect: "+"}, {Expect: "PONG"}}, redis("master"), true, "layer 7 answers as expected"},
		{"a greeting", []Step{{Expect: "220 "}}, func(c net.Conn) { _, _ = io.WriteString(c, "220 mail ready\r\n") }, true, "layer 7 answers as expected"},
		{"it closes", []Step{{Expect: "220 "}}, func(c net.Conn) { _, _ = io.WriteString(c, "22") }, false, `layer 7 answer ended early, want "220 ": "22"`},
		{"no end of it", []Step{{Expect: "no"}}, func(c net.Conn) { _, _ = io.WriteString(c, strings.Repeat("x", 1<<20)) }, false, "layer 7 too much came, want \"no\""},
		{"nobody", ping, nil, false, "layer 4 connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at := refusing(t)
			if tt.server != nil {
				at = listen(t, tt.server)
			}
			patience := 5 * time.Second
			if strings.Contains(tt.want, "timeout") {
				patience = 300 * time.Millisecond
			}
			got := probeOnce(t, Check{Kind: &TCP{Steps: tt.steps}}, at, patience)
			if got.ok != tt.ok || !strings.HasPrefix(got.text, tt.want) {
				t.Errorf("got %t %s, want %t %s", got.ok, got.text, tt.ok, tt.want)
			}
		})
	}
}

func TestTCPStepsFaults(t *testing.T) {
	t.Parallel()
	for _, steps := range [][]Step{{{}}, {{Send: "a", Expect: "b"}}, {{Expect: "a", Regexp: "b"}}} {
		if err := (&TCP{Steps: steps}).Fault(); err == nil || err.Error() != "a step sends nothing and expects nothing, or both, want one of them" {
			t.Errorf("%+v: got %v", steps, err)
		}
	}
	if err := (&TCP{Steps: []Step{{Regexp: "("}}}).Fault(); err == nil || err.Error() != "error parsing regexp: missing closing ): `(`" {
		t.Errorf("got %v", err)
	}
	a := &TCP{Steps: []Step{{Send: "a"}}}
	if !a.Same(&TCP{Steps: []Step{{Send: "a"}}}) || a.Same(&TCP{Steps: []Step{{Send: "b"}}}) || a.Same(&TCP{}) {
		t.Error("checks are told apart by their steps")
	}
}
