package main

import "context"

// serverScenarios are what happens to one of the two web servers.
func serverScenarios() []scenario {
	return []scenario{
		{name: "server-killed", phases: []phase{
			{row: "a server killed", strike: func(_ context.Context, s *stage) error { return s.StopServer("web1") },
				holder: master, none: true, chance: true, why: "no new request fails"},
		}},
		{name: "server-pulled", phases: []phase{
			{row: "a server's cable pulled (first to last failure)",
				strike: func(ctx context.Context, s *stage) error { return s.Cable("web1").Pull(ctx) },
				holder: master, trouble: true, chance: true, why: "as the other", later: "under 1 s: passive ejection"},
		}},
	}
}
