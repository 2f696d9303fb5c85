package beside

func balancingDiffer() []difference {
	return []difference{
		{"in turn by weight", haproxy, orderOfTurns, `client: s1 s2 s1 s3 s2 s1 s1 s2 s1 s3 s2 s1`, `client: s1 s2 s1 s3 s1 s2 s1 s2 s1 s3 s1 s2`},
		{"least connections, idle", haproxy, idleLeast, `client: s1 s2 s1 s3 s2 s1`, `client: s1 s2 s3 s1 s2 s3`},
		{"by source", nginx, threeOctets, `client: the same server for the same key: true, servers: 2`, `client: the same server for the same key: true, servers: 1`},
		{"backups stand in", haproxy, backupsRefused, `client: s2 s2`, `client: 503 503`},
		{"all refuse", nginx, connect503, `client: 503`, `client: 502`},
	}
}
