package engine_test

import (
	"strings"
	"testing"
)

const (
	bigQ = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n"
	bigR = "HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n"
	// early is how the client gets it before the end of its request.
	early = "HTTP/1.1 200 OK\r\nContent-Length: 600000\r\nConnection: close\r\n\r\n"
)

// duplexes are exchanges of which one side takes nothing while it speaks.
var duplexes = []talk{
	{name: "client sends its body before it takes the response", records: []string{"200 -- 600000/600000"}, idle: 1, steps: []step{
		client.takes("1000"), client.says(bigQ + text(1000)), server.hears(bigQ + text(1000)), server.says(bigR + text(600000)),
		client.says(text(600000)[1000:]), server.hears(text(600000)[1000:]),
		client.takes("-1"), client.hears(early + text(600000)), client.seesEnd(),
	}},
	{name: "server gives its response before it takes the body", records: []string{"200 -- 600000/600000"}, idle: 1, steps: []step{
		server.takesAtFirst("1000"), client.says(bigQ + text(600000)), server.hears(bigQ + text(1000-len(bigQ))),
		server.says(bigR + text(600000)[:599999]), client.hears(early + text(600000)[:599999]),
		server.takes("-1"), server.hears(text(600000)[1000-len(bigQ):]),
		server.says(text(600000)[599999:]), client.hears(text(600000)[599999:]), client.seesEnd(),
	}},
	{name: "tunnel whose client takes nothing", records: []string{"101 -- 600000/600000"}, steps: []step{
		client.says(wsQuestion), server.hears(wsQuestion), server.says(wsAnswer), client.hears(wsAnswer),
		client.takes("1000"), server.says(text(600000)), client.says(text(600000)), server.hears(text(600000)),
		client.takes("-1"), client.hears(text(600000)), client.ends(), server.seesEnd(), server.ends(), client.seesEnd(),
	}},
	{name: "tunnel whose server takes nothing", records: []string{"101 -- 600000/600000"}, steps: []step{
		client.says(wsQuestion), server.hears(wsQuestion), server.says(wsAnswer), client.hears(wsAnswer),
		server.takes("1000"), client.says(text(600000)), server.says(text(600000)), client.hears(text(600000)),
		server.takes("-1"), server.hears(text(600000)), client.ends(), server.seesEnd(), server.ends(), client.seesEnd(),
	}},
}

// Neither direction waits for the other: both sides may speak at the same time, and listen later.
func TestNeitherDirectionWaitsForTheOther(t *testing.T) {
	t.Parallel()
	for i := range duplexes {
		talk := &duplexes[i]
		t.Run(strings.ReplaceAll(talk.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{})
			w.give(talk, nil)
			w.end()
		})
	}
}
