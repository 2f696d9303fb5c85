package config

import "github.com/tandem-lb/tandem/proxy/health"

type rawScriptCheck struct {
	Command []string `yaml:"command"`
	User    string   `yaml:"user"`
}

func (c *rawScriptCheck) there() bool { return c != nil }

func (*rawScriptCheck) keys(in string) []Key {
	return []Key{
		{Path: in, Type: section(), Others: "external-check", Absent: "none is run", Example: "{command: [/usr/local/bin/check_replica]}", Reload: ReloadAnew,
			Help: "A command is the probe: exit status 0 is a success. It gets the server's address and port as two more arguments, and TANDEM_BACKEND, TANDEM_SERVER, TANDEM_ADDRESS and TANDEM_PORT in its environment."},
		{Path: in + ".command", Type: list(1, 256), Required: true, Others: "external-check", Example: "[/usr/local/bin/check_replica, --max-lag, \"10\"]", Reload: ReloadAnew, Help: "The program by its absolute path, then its arguments; no shell."},
		{Path: in + ".command[]", Type: line(4096), Example: "/usr/local/bin/check_replica", Reload: ReloadAnew, Help: "A word of it."},
		{Path: in + ".user", Type: identifier(), Absent: "`tandem_script`", Example: "postgres", Reload: ReloadAnew, Help: "Whom it runs as."},
	}
}

func (c *rawScriptCheck) config() health.Kind {
	return &health.Script{Command: c.Command, User: c.User}
}

func (*rawScriptCheck) port() uint16 { return 0 }

func (c *rawScriptCheck) check(b *builder, path string) {
	b.checkCommand(join(path, "command"), c.Command)
}
