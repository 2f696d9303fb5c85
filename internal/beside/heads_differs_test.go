package beside

func headsDiffer() []difference {
	return []difference{
		{"replaced in parts", haproxy, replaceParts, `s1: x-a: acac`, `s1: x-a: c`},
		{"a variable of a header", haproxy, noEmptyField, "", `s1: x-b:`},
		{"a variable of a header that comes twice", haproxy, firstOfSeveral, `s1: x-b: v`, `s1: x-b: w`},
		{"set in responses that have it", nginx, setReplaces, "", `
client: x-a: 1
client: x-a: 2`},
		{"set in the balancer's responses", haproxy, setEverywhere, `client: x-a: b`, ""},
		{"set in the balancer's responses", nginx, connect503, `
client: 503
client: x-a: b`, `client: 502`},
		{"HSTS without TLS", haproxy, noPlainHSTS, "", `client: strict-transport-security: max-age=60`},
		{"HSTS without TLS", nginx, noPlainHSTS, "", `client: strict-transport-security: max-age=60`},
	}
}
