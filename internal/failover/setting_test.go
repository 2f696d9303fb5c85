package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/internal/config"
)

// The bounds that follow from the protocol, in milliseconds.
func TestBounds(t *testing.T) {
	want := map[string]string{
		"v2":      "3659 759 750 2759",
		"v3":      "410 210 200 2210",
		"v3-10ms": "86 156 200 2156",
	}
	for _, v := range settings() {
		got := fmt.Sprint(v.silence().Milliseconds(), v.stop().Milliseconds(), v.kill().Milliseconds(), v.frozen().Milliseconds())
		if got != want[v.name] {
			t.Errorf("%s: %s, want %s", v.name, got, want[v.name])
		}
	}
}

// Tandem takes its configurations as they are.
func TestTandemConfig(t *testing.T) {
	for _, v := range settings() {
		for _, local := range []bool{false, true} {
			text := v.tandemConfig(local)
			if _, problems := config.Parse("tandem.yaml", []byte(text)); len(problems) > 0 {
				t.Fatalf("%s, local %t: %v", v.name, local, problems)
			}
			for what, want := range map[string]bool{
				"advert_interval: " + v.interval.String() + "\n": true, "version: 3": v.version == 3, "password": v.version == 2,
				localServer: local, "10.77.0.11:80": !local,
			} {
				if got := strings.Contains(text, what); got != want {
					t.Errorf("%s, local %t: has %q: %t, want %t", v.name, local, what, got, want)
				}
			}
		}
	}
}

func TestKeepalivedConfig(t *testing.T) {
	v2, v3 := settings()[0], settings()[2]
	for _, tt := range []struct {
		text string
		want []string
	}{
		{v2.keepalivedConfig(master), []string{"router_id lb1\n", "vrrp_version 2\n", "priority 101\n", "advert_int 1\n", "auth_pass s3cret77\n", "interval 2\n\tfall 2\n"}},
		{v3.keepalivedConfig(backup), []string{"router_id lb2\n", "vrrp_version 3\n", "priority 100\n", "advert_int 0.01\n", "interval 1\n\tfall 1\n"}},
	} {
		for _, want := range tt.want {
			if !strings.Contains(tt.text, want) {
				t.Errorf("no %q in\n%s", want, tt.text)
			}
		}
	}
	if strings.Contains(v3.keepalivedConfig(master), "auth") {
		t.Error("version 3 has no authentication")
	}
}

func TestAllUp(t *testing.T) {
	const head = "# pxname,svname,status,check_status,\n"
	for _, tt := range []struct{ name, text, want string }{
		{"both up", head + "web,web1,UP,L7OK,\nweb,web2,UP,L7OK,\n\n", ""},
		{"one down", head + "web,web1,UP,L7OK,\nweb,web2,DOWN,L4TOUT,\n", `server web2 is DOWN after the check "L4TOUT"`},
		{"not checked yet", head + "web,web1,UP,INI,\n", `server web1 is UP after the check "INI"`},
		{"none", head, "no servers"},
		{"other words", "# a,b\n1,2\n", `statistics that cannot be read: "1,2"`},
		{"a short line", head + "web,web1\n", `statistics that cannot be read: "web,web1"`},
		{"nothing", "", "no servers"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := allUp(tt.text); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	c, err := parse([]string{"-settings", "v3,v2", "-systems", "keepalived", "-rows", "^pulled$", "-rounds", "3"})
	if err != nil || len(c.settings) != 2 || c.settings[0].name != "v3" || c.rounds != 3 || len(c.systems) != 1 || !c.only.MatchString("pulled") {
		t.Errorf("got %+v, %v", c, err)
	}
	for args, want := range map[string]string{
		"-rounds=0":       "-rounds: 0, want 1 or more",
		"-systems=vrrpd":  `-systems: no "vrrpd", want tandem or keepalived`,
		"-settings=v3,v4": `-settings: no "v4", want v2, v3 or v3-10ms`,
		"-rows=(":         "-rows: error parsing regexp: missing closing ): `(`",
	} {
		if _, err := parse([]string{args}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// Every scenario is told whole, under a name of its own.
func TestScenarios(t *testing.T) {
	names := map[string]bool{}
	for _, sc := range scenarios() {
		if sc.name == "" || names[sc.name] || len(sc.phases) == 0 {
			t.Errorf("scenario %q has no phase, or a name that another has", sc.name)
		}
		names[sc.name] = true
		for _, ph := range sc.phases {
			if ph.row == "" || ph.strike == nil || ph.holder == "" || ph.why == "" {
				t.Errorf("%s: %q is not told whole", sc.name, ph.row)
			}
		}
	}
}
