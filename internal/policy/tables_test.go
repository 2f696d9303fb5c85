package policy

// allowedImports is the star: what each package may import of this module, tests aside. vrrp, vip, tracker and proxy know
// nothing of each other; only internal/config, which builds their values, and internal/daemon, which connects them, know
// all four. Change it only in a review of its own.
var allowedImports = map[string][]string{
	// The rays.
	"tracker":     {"internal/hysteresis"},
	"vip":         {},
	"vip/viptest": {"vip"},
	"vrrp":        {"vrrp/seal"},
	"vrrp/seal":   {},

	// The balancer, a smaller star around proxy.
	"proxy":           {"internal/hysteresis", "proxy/certs", "proxy/exchange", "proxy/health", "proxy/rule", "proxy/stdhttp", "proxy/upstream"},
	"proxy/balance":   {},
	"proxy/certs":     {},
	"proxy/exchange":  {"proxy/rule", "proxy/upstream"},
	"proxy/health":    {"internal/hysteresis"},
	"proxy/http1":     {},
	"proxy/proxytest": {"internal/hysteresis", "proxy", "proxy/health", "proxy/rule"},
	"proxy/rule":      {},
	"proxy/stdhttp":   {"proxy/exchange"},
	"proxy/upstream":  {"internal/hysteresis", "proxy/balance"},

	// Leaves.
	"internal/child":      {},
	"internal/hysteresis": {},
	"internal/netlab":     {},
	"internal/policy":     {},
	"internal/status":     {},

	// What stands on few others.
	"internal/admin":  {"internal/status"},
	"internal/demo":   {"internal/drill", "internal/netlab"},
	"internal/doctor": {"internal/config"},
	"internal/drill":  {"internal/netlab"},
	"internal/keeper": {"internal/child"},
	"internal/notify": {},
	"internal/runner": {"internal/child"},

	// The centre.
	"cmd/tandem":      {"internal/admin", "internal/config", "internal/daemon", "internal/demo", "internal/doctor", "internal/keeper", "internal/runner", "internal/status", "proxy/certs"},
	"internal/config": {"internal/hysteresis", "internal/notify", "proxy", "proxy/balance", "proxy/health", "proxy/rule", "tracker", "vip", "vrrp"},
	"internal/daemon": {"internal/admin", "internal/config", "internal/keeper", "internal/notify", "internal/runner", "internal/status", "proxy", "tracker", "vip", "vrrp"},

	// Tests alone.
	"deploy":       {},
	"docs":         {},
	"internal/e2e": {},
}

// libraries are the modules that docs/architecture.md names. A new one needs its reason in the commit that brings it.
var libraries = []string{
	"github.com/coreos/go-systemd/v22",
	"github.com/hashicorp/go-hclog",
	"github.com/mdlayher/arp",
	"github.com/mdlayher/ndp",
	"github.com/mdlayher/packet",
	"github.com/spf13/cobra",
	"github.com/vishvananda/netlink",
	"golang.org/x/net/bpf",
	"golang.org/x/net/ipv4",
	"golang.org/x/sys/unix",
	"gopkg.in/yaml.v3",
}

// loopFiles are the files that do I/O or own a loop: the only ones that may read a clock, set a timer or start a goroutine.
var loopFiles = []string{
	"cmd/tandem/run.go",
	"internal/admin/server.go",
	"internal/child/keep.go",
	"internal/child/process_linux.go",
	"internal/daemon/actions.go",
	"internal/daemon/daemon.go",
	"internal/daemon/group.go",
	"internal/daemon/health.go",
	"internal/daemon/host.go",
	"internal/daemon/instance.go",
	"internal/daemon/lock_linux.go",
	"internal/daemon/reload.go",
	"internal/daemon/snapshot.go",
	"internal/daemon/systemd.go",
	"internal/daemon/watch.go",
	"internal/demo/demo.go",
	"internal/demo/live.go",
	"internal/doctor/ear_linux.go",
	"internal/doctor/examine_linux.go",
	"internal/doctor/probe_linux.go",
	"internal/drill/client.go",
	"internal/drill/pair.go",
	"internal/keeper/run.go",
	"internal/netlab/cable.go",
	"internal/netlab/enter_linux.go",
	"internal/netlab/lab.go",
	"internal/netlab/node.go",
	"internal/netlab/process_linux.go",
	"internal/netlab/tap_linux.go",
	"internal/netlab/thread_linux.go",
	"internal/netlab/watch_linux.go",
	"internal/notify/queue.go",
	"internal/runner/guard_linux.go",
	"internal/runner/main_linux.go",
	"internal/runner/run_linux.go",
	"internal/runner/server.go",
	"proxy/certs/load.go",
	"proxy/health/checker.go",
	"proxy/listener.go",
	"proxy/proxy.go",
	"proxy/stdhttp/hop.go",
	"tracker/backend.go",
	"tracker/file.go",
	"tracker/file_linux.go",
	"tracker/gateway.go",
	"tracker/gateway_linux.go",
	"tracker/interface.go",
	"tracker/links.go",
	"tracker/script.go",
	"tracker/set.go",
	"vip/adopt.go",
	"vip/apply.go",
	"vip/contest.go",
	"vip/ears_linux.go",
	"vip/kernel_linux.go",
	"vip/mend.go",
	"vip/run.go",
	"vip/set.go",
	"vip/source.go",
	"vrrp/conn_linux.go",
	"vrrp/group.go",
	"vrrp/link.go",
}
