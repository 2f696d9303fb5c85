package main

// nothingLost is what a later version promises of planned changes.
const nothingLost = "0 failed, 0 lost: the pair link"

// processScenarios are what happens to the balancers' processes.
func processScenarios() []scenario {
	return []scenario{
		{name: "kill-vrrp", phases: []phase{
			{row: "VRRP process killed (kill -9)", strike: do(killVRRP, master), holder: backup, bound: setting.kill, why: "the keeper's last will"},
		}},
		{name: "kill-proxy", phases: []phase{
			{row: "proxy process killed (kill -9)", strike: do(killProxy, master), holder: backup, bound: setting.kill, why: "the same process"},
		}},
		{name: "freeze-vrrp", phases: []phase{
			{row: "VRRP process frozen (SIGSTOP)", strike: do(freezeVRRP, master), holder: backup, bound: setting.frozen, why: "2 s + skew + 150 ms"},
		}},
		{name: "freeze-proxy", phases: []phase{
			{row: "proxy process frozen (SIGSTOP)", strike: do(freezeProxy, master), holder: backup, bound: setting.frozen, why: "the same process"},
		}},
		{name: "stop", phases: []phase{
			{row: "clean stop (SIGTERM)", strike: do(stopAll, master), holder: backup, bound: setting.stop, why: "skew + 150 ms"},
			{row: "started again: failback", late: true, strike: do(startAll, master), holder: master, bound: setting.contest, why: "a contest"},
		}},
		{name: "drain", phases: []phase{
			{row: "planned drain to the peer, by a file", late: true, strike: do(drain, master), holder: backup, bound: setting.contest, why: "a contest", later: nothingLost},
			{row: "and back", late: true, strike: do(undrain, master), holder: master, bound: setting.contest, why: "a contest", later: nothingLost},
		}},
		{name: "handover", phases: []phase{
			{row: "planned drain, `tandem handover` (the other: by a file)", late: true, strike: do(handover, master), holder: backup, bound: setting.contest, why: "a contest", later: nothingLost},
			{row: "and back, `tandem handover --release`", late: true, strike: do(release, master), holder: master, bound: setting.contest, why: "a contest", later: nothingLost},
		}},
		{name: "reload", phases: []phase{
			{row: "reload", strike: do(reload, master), holder: master, none: true, keep: true, why: "nothing"},
		}},
	}
}
