package config

import (
	"encoding/hex"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tandem-lb/tandem/proxy/health"
)

type rawTCPCheck struct {
	Port  uint16         `yaml:"port"`
	Steps []rawProbeStep `yaml:"steps"`
	off   bool           // false stands in its place
}

// rawProbeStep is something that a probe sends, or that it wants to hear.
type rawProbeStep struct {
	Send         string `yaml:"send"`
	SendHex      string `yaml:"send_hex"`
	Expect       string `yaml:"expect"`
	ExpectHex    string `yaml:"expect_hex"`
	ExpectRegexp string `yaml:"expect_regexp"`
}

// UnmarshalYAML reads a section, or whether it is wanted.
func (c *rawTCPCheck) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		wanted := false
		err := n.Decode(&wanted)
		c.off = !wanted
		return err
	}
	type section rawTCPCheck
	return n.Decode((*section)(c))
}

func (c *rawTCPCheck) there() bool { return c != nil && !c.off }

func (*rawTCPCheck) keys(in string) []Key {
	octets := pattern("hexadecimal text", "pairs of hexadecimal digits, with blanks between them if you like", 8192, `^([0-9A-Fa-f]{2} *)+$`)
	return []Key{
		{Path: in, Type: boolean(), Absent: "true where no other kind is there", Example: "true", Reload: ReloadAnew, Help: "A TCP connect is the probe. Or a section, for a port of its own, and for what is said."},
		{Path: in + ".port", Type: integer(1, 65535), Absent: "the server's", Example: "8009", Reload: ReloadAnew, Help: ownPort},
		{Path: in + ".steps", Type: list(1, 32), Absent: "nothing is said", Others: "tcp-check", Example: `[{send: "PING\r\n"}, {expect: "+PONG"}]`, Reload: ReloadAnew, Help: "What the probe sends and has to hear, in this order, within `timeout`. Each step has one key."},
		{Path: in + ".steps[].send", Type: body(4096), Absent: "nothing is sent", Example: `"PING\r\n"`, Reload: ReloadAnew, Help: "Text to send; between double quotes \\r and \\n end lines."},
		{Path: in + ".steps[].send_hex", Type: octets, Absent: "nothing is sent", Others: "send-binary", Example: `"50 49 4e 47"`, Reload: ReloadAnew, Help: "The same in octets."},
		{Path: in + ".steps[].expect", Type: body(4096), Absent: "nothing is waited for", Others: "string", Example: `"+PONG"`, Reload: ReloadAnew, Help: "Text that has to come, anywhere in the first 16 KiB of what comes since something was sent last."},
		{Path: in + ".steps[].expect_hex", Type: octets, Absent: "nothing is waited for", Others: "binary", Example: `"2b 50"`, Reload: ReloadAnew, Help: "The same in octets."},
		{Path: in + ".steps[].expect_regexp", Type: expression(4096), Absent: "nothing is waited for", Others: "rstring", Example: `"role:master"`, Reload: ReloadAnew, Help: "A regular expression (RE2) that has to be found there."},
	}
}

func (c *rawTCPCheck) config() health.Kind {
	kind := &health.TCP{Port: c.Port}
	for _, s := range c.Steps {
		kind.Steps = append(kind.Steps, health.Step{Send: s.Send + octetsOf(s.SendHex), Expect: s.Expect + octetsOf(s.ExpectHex), Regexp: s.ExpectRegexp})
	}
	return kind
}

// octetsOf reads hexadecimal digits. What is none is reported.
func octetsOf(digits string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		return ""
	}
	return string(b)
}

func (c *rawTCPCheck) port() uint16 { return c.Port }

// check reports steps that do nothing, or several things.
func (c *rawTCPCheck) check(b *builder, path string) {
	for i, s := range c.Steps {
		n := 0
		for _, text := range []string{s.Send, s.SendHex, s.Expect, s.ExpectHex, s.ExpectRegexp} {
			if text != "" {
				n++
			}
		}
		if at := item(path+".steps", i); n != 1 && !b.reported(at) {
			b.errorAt(at, map[bool]string{true: "does nothing", false: "does several things"}[n == 0], "one of send, send_hex, expect, expect_hex and expect_regexp")
		}
	}
}
