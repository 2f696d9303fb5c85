package beside

import (
	"fmt"
	"time"
)

// checked is said of servers that are probed, by a path.
func checked(path, tandem, haproxy string, servers ...[3]string) site {
	for i := range servers {
		servers[i][1] += " check inter 20ms rise 1 fall 1"
	}
	return pool("health_check: {http: {path: "+path+"}, interval: 20ms, timeout: 2s, rise: 1, fall: 1, "+tandem+"}", "timeout check 2s\noption httpchk GET "+path+"\n"+haproxy, "-", servers...)
}

// settled asks until the servers that answer are these alone, several times in a row.
func (t *talk) settled(servers ...string) {
	want := fmt.Sprint(servers)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		seen := map[string]bool{}
		for range 6 {
			seen[t.whoAnswers(get("/"))] = true
		}
		var all []string
		for _, name := range []string{"s1", "s2", "503", "502"} {
			if seen[name] {
				all = append(all, name)
			}
		}
		if fmt.Sprint(all) == want {
			t.note("%s", want)
			return
		}
	}
	t.note("never %s", want)
}

// sick says how a server answers probes from now on.
func (t *talk) sick(server string, status int) {
	if s := t.p[server]; s != nil {
		s.mu.Lock()
		s.sick = status
		s.mu.Unlock()
	}
}

// healths are exams of probes, retries and what becomes of servers that fail. Which requests servers got is no matter in those of probes.
func healths() area {
	one, backup := [3]string{}, [3]string{", backup: true", "backup", "backup"}
	expects := func(status int, tandem, haproxy string) exam {
		return exam{name: fmt.Sprintf("a probe's status %d, %s", status, map[bool]string{true: "expected", false: "or any"}[haproxy != ""]), proves: "R30 R31",
			site: checked(fmt.Sprintf("/check/%d", status), tandem, haproxy, one), do: func(t *talk) {
				t.settled(map[bool]string{true: "s1", false: "503"}[status < 400 && haproxy == "" || status == 200])
			}}
	}
	again := func(on, haproxy, nginx string) site {
		return site{
			&words{back: "retries: 1\nretry_on: [" + on + "]\ntimeouts: {server: 1s}\nservers: [{name: s1, address: \"@s1@\"}, {name: s2, address: \"@s2@\"}]"},
			&words{back: "retries 1\noption redispatch 1\nretry-on conn-failure " + haproxy + "\ntimeout server 1s\nserver s1 @s1@\nserver s2 @s2@"},
			&words{front: nginx, back: "server @s1@;\nserver @s2@;"},
		}
	}
	junk := again("junk_response", "junk-response", "")
	bad := func(r reply) map[string]reply { return map[string]reply{"s1": r} }
	busy := says("HTTP/1.1 503 Busy", "Content-Length: 4", "", "busy")
	post := by("POST", "/", "Content-Length: 3", "", "abc")
	all := []exam{
		{name: "a probe fails, and succeeds again", proves: "R32 R35", site: checked("/check", "", "", one, one), do: func(t *talk) {
			t.settled("s1", "s2")
			t.sick("s1", 500)
			t.settled("s2")
			t.sick("s2", 500)
			t.settled("503")
			t.sick("s1", 200)
			t.settled("s1")
		}},
		{name: "backups while probes fail", site: checked("/check", "", "", one, backup), do: func(t *talk) {
			t.settled("s1")
			t.sick("s1", 500)
			t.settled("s2")
			t.sick("s1", 200)
			t.settled("s1")
		}},
		{name: "all probes fail", proves: "R35", site: checked("/check/500", "", "", one), do: func(t *talk) {
			t.settled("503")
			t.asks(get("/"))
			t.look()
		}},
		expects(200, "", ""), expects(204, "", ""), expects(301, "", ""), expects(404, "", ""), expects(500, "", ""),
	}
	for _, status := range []int{200, 204, 301} {
		e := expects(status, "", "http-check expect status 200")
		e.site.tandem.back = "health_check: {http: {path: /check/" + fmt.Sprint(status) + ", expect_status: [200]}, interval: 20ms, timeout: 2s, rise: 1, fall: 1}\nservers: [{name: s1, address: \"@s1@\"}]"
		all = append(all, e)
	}
	for i := range all {
		all[i].shows.client = true
	}
	return area{"Health and retries", append(all, []exam{
		{name: "a server closes instead of answering", proves: "R38", site: again("empty_response", "empty-response", ""), own: bad(ends()), ask: []string{get("/1"), get("/2")}},
		{name: "a server closes instead of answering a POST", proves: "R38", site: again("empty_response", "empty-response", ""), own: bad(ends()), ask: []string{post}},
		{name: "a server closes instead of answering a PUT", proves: "R38", site: again("empty_response", "empty-response", ""), own: bad(ends()), ask: []string{by("PUT", "/", "Content-Length: 3", "", "abc")}},
		{name: "a server closes within its head", proves: "R38", site: again("empty_response", "empty-response", ""), own: bad(ends("HTTP/1.1 200 OK", "X")), ask: []string{get("/")}},
		{name: "a server closes within its body", proves: "R38", site: again("empty_response", "empty-response", ""), own: bad(ends("HTTP/1.1 200 OK", "Content-Length: 5", "", "ab")), ask: []string{get("/")}},
		{name: "a server answers 503", proves: "R38 R40", site: again("503", "503", "proxy_next_upstream http_503;"), own: bad(busy), ask: []string{get("/")}},
		{name: "a server answers 503 to a POST", proves: "R38 R40", site: again("503", "503", "proxy_next_upstream http_503;"), own: bad(busy), ask: []string{post}},
		{name: "all servers answer 503", proves: "R38 R40", site: again("503", "503", "proxy_next_upstream http_503;"), answer: busy, ask: []string{get("/")}},
		{name: "a status that is not named", proves: "R40", site: again("504", "504", "proxy_next_upstream http_504;"), own: bad(busy), ask: []string{get("/")}},
		{name: "a server is silent", proves: "R38 R40", site: again("response_timeout", "response-timeout", "proxy_read_timeout 1s;"), own: bad(stalls()), ask: []string{get("/")}},
		{name: "a server sends junk", proves: "R40", site: site{junk.tandem, junk.haproxy, nil}, own: bad(ends("junk junk", "", "")), ask: []string{get("/")}},
		{name: "nothing is sent again", proves: "R40", site: site{
			&words{back: "servers: [{name: s1, address: \"@s1@\"}, {name: s2, address: \"@s2@\"}]"}, &words{back: "server s1 @s1@\nserver s2 @s2@"},
			&words{front: "proxy_next_upstream off;", back: "server @s1@;\nserver @s2@;"},
		}, own: bad(ends()), ask: []string{get("/")}},
		{name: "a server that fails is left alone", proves: "R37", site: site{
			&words{back: "retries: 1\nretry_on: [empty_response]\npassive_check: {max_fails: 2, fail_timeout: 10s}\nservers: [{name: s1, address: \"@s1@\"}, {name: s2, address: \"@s2@\"}]"}, nil,
			&words{back: "server @s1@ max_fails=2 fail_timeout=10s;\nserver @s2@ max_fails=2 fail_timeout=10s;"},
		}, own: bad(ends()), ask: []string{get("/1"), get("/2"), get("/3"), get("/4"), get("/5"), get("/6"), get("/7")}},
		{name: "all servers fail", proves: "R37", site: site{
			&words{back: "retries: 1\nretry_on: [empty_response]\npassive_check: {max_fails: 1, fail_timeout: 10s}\nservers: [{name: s1, address: \"@s1@\"}, {name: s2, address: \"@s2@\"}]"}, nil,
			&words{back: "server @s1@ max_fails=1 fail_timeout=10s;\nserver @s2@ max_fails=1 fail_timeout=10s;"},
		}, answer: ends(), ask: []string{get("/1"), get("/2")}},
	}...), healthsDiffer()}
}
