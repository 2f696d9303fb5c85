package beside

func clientsDiffer() []difference {
	return []difference{
		{"X-Forwarded-For of anybody", haproxy, nobodyMakesUp, "", `s1: x-forwarded-for: 9.9.9.9`},
		{"X-Forwarded-For of anybody", nginx, nobodyMakesUp, `s1: x-forwarded-for: 127.0.0.1`, `s1: x-forwarded-for: 9.9.9.9, 127.0.0.1`},
		{"X-Forwarded-For of a proxy", haproxy, oneField, `
s1: x-forwarded-for: 9.9.9.9, 127.0.0.1
s1: x-forwarded-for: 1.1.1.1, 9.9.9.9, 127.0.0.1`, `
s1: x-forwarded-for: 9.9.9.9
s1: x-forwarded-for: 127.0.0.1
s1: x-forwarded-for: 1.1.1.1, 9.9.9.9
s1: x-forwarded-for: 127.0.0.1`},
		{"X-Forwarded-For twice", haproxy, oneField, `s1: x-forwarded-for: 9.9.9.9, 8.8.8.8, 127.0.0.1`, `
s1: x-forwarded-for: 9.9.9.9
s1: x-forwarded-for: 8.8.8.8
s1: x-forwarded-for: 127.0.0.1`},
	}
}
