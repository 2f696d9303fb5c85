package config

import (
	"reflect"
	"testing"

	"github.com/tandem-lb/tandem/proxy/accesslog"
)

func TestAccessLogs(t *testing.T) {
	n := good(t, "access_log.yaml", "")
	local1 := accesslog.Syslog{Facility: 17, Severity: 5, Tag: "haproxy", Length: 8192}
	want := []*accesslog.Config{
		{
			Format: "httplog", Sample: 1,
			Outputs: []accesslog.Output{
				{}, {Kind: accesslog.File, Address: "/var/log/tandem/access.log"},
				{Kind: accesslog.Unix, Address: "/dev/log", Syslog: local1}, {Kind: accesslog.UDP, Address: "logs.example.com:514", Syslog: local1},
			},
			Request: []accesslog.Capture{{Name: "Host", Length: 64}}, Response: []accesslog.Capture{{Name: "Server", Length: 128}},
			Cookie: &accesslog.Capture{Name: "SID=", Length: 128},
		},
		{
			Format: "%ci %[capture.req.hdr(0)]", Sample: 0.25, Null: true, Outputs: []accesslog.Output{{}},
			Request: []accesslog.Capture{{Name: "X-Id", Length: 128}},
		},
		nil,
	}
	for i, f := range n.Proxy.Frontends {
		if !reflect.DeepEqual(f.AccessLog, want[i]) {
			t.Errorf("%s: got %+v, want %+v", f.Name, f.AccessLog, want[i])
		}
	}
}

// A frontend may log where the defaults do not, with what the reference says of them.
func TestAccessLogOfOneFrontend(t *testing.T) {
	const text = `proxy:
  frontends:
    - {name: loud, bind: [{address: ":80"}], access_log: {output: ["syslog:/dev/log"]}, rules: [{respond: {}}]}
    - {name: quiet, bind: [{address: ":81"}], rules: [{respond: {}}]}
`
	cfg, problems := Parse("f.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	n, err := cfg.Node("")
	if err != nil {
		t.Fatal(err)
	}
	want := &accesslog.Config{Format: "httplog", Sample: 1, Outputs: []accesslog.Output{
		{Kind: accesslog.Unix, Address: "/dev/log", Syslog: accesslog.Syslog{Facility: 16, Severity: 6, Tag: "tandem", Length: 1024}},
	}}
	if got := n.Proxy.Frontends[0].AccessLog; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := n.Proxy.Frontends[1].AccessLog; got != nil {
		t.Errorf("got %+v of a frontend that logs nothing", got)
	}
	for _, k := range accessLogKeys(accessLogDefaults) { // what is absent is what the table says
		if got, ok := map[string]string{"format": "httplog", "output": "[stdout]", "dontlognull": "true", "sample": "1", "syslog.facility": "local0",
			"syslog.level": "info", "syslog.tag": "tandem", "syslog.length": "1024"}[k.Path[min(len(k.Path), len(accessLogDefaults)+1):]]; ok && got != k.Default {
			t.Errorf("%s: %s in the table, %s without a section", k.Path, k.Default, got)
		}
	}
}

func TestShareOf(t *testing.T) {
	for text, want := range map[string]float64{
		"1": 1, "0.1": 0.1, "1/4": 0.25, "1/1": 1, "0.000001": 1e-6, "1/1000000": 1e-6,
		"0": 0, "-1": 0, "1.1": 0, "1/0": 0, "1/-4": 0, "1/04": 0, "1/1000001": 0, "2/3": 0, "NaN": 0, "x": 0,
	} {
		if got := shareOf(text); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}
