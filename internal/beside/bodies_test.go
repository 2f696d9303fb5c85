package beside

// bodies are exams of how large requests may be, and of who holds them.
func bodies() area {
	limited := site{word("max_body_size: 10"), nil, word("client_max_body_size 10;")}
	held := site{&words{back: "buffering: {requests: 64KiB}"}, word("option http-buffer-request"), &words{}}
	return area{"Bodies of requests", []exam{
		{name: "as large as may be", site: limited, ask: []string{by("POST", "/", "Content-Length: 10", "", "0123456789")}},
		{name: "too large", site: limited, ask: []string{by("POST", "/", "Content-Length: 11", "", "0123456789a")}},
		{name: "too large, and far", site: limited, do: func(t *talk) {
			t.send(by("POST", "/", "Content-Length: 1000000", "", ""))
			t.reads("POST")
		}},
		{name: "too large, in chunks", site: limited, do: func(t *talk) {
			t.send(by("POST", "/", "Transfer-Encoding: chunked", "", "b\r\n0123456789a\r\n"))
			t.reads("POST")
		}},
		{name: "too large, and it is asked first", site: limited, do: func(t *talk) {
			t.send(by("POST", "/", "Content-Length: 11", "Expect: 100-continue", "", ""))
			t.reads("POST")
		}},
		{name: "held until it is whole", site: held, do: func(t *talk) {
			t.send(by("POST", "/", "Content-Length: 5", "", "12"))
			t.pause()
			t.asked("s1")
			t.send("345")
			t.reads("POST")
			t.look()
		}},
		{name: "held, in chunks", site: held, ask: []string{by("POST", "/", "Transfer-Encoding: chunked", "", "3\r\nabc\r\n0\r\n\r\n")}},
		{name: "held, and the client leaves", site: held, do: func(t *talk) {
			t.send(by("POST", "/", "Content-Length: 5", "", "12"))
			t.pause()
			_ = t.conn.Close()
		}},
		{name: "not held", site: site{&words{}, &words{}, word("proxy_request_buffering off;")}, do: func(t *talk) {
			t.send(by("POST", "/", "Content-Length: 5", "", "12"))
			t.pause()
			t.asked("s1")
			t.send("345")
			t.reads("POST")
			t.look()
		}},
	}, bodiesDiffer()}
}
