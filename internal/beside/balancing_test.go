package beside

import (
	"fmt"
	"slices"
	"strings"
)

// turns asks so many times, and notes who answers. Each request says which of several it is.
func turns(n int, request func(i int) string) func(*talk) {
	return func(t *talk) {
		var all []string
		for i := range n {
			all = append(all, t.whoAnswers(request(i)))
		}
		t.note("%s", strings.Join(all, " "))
	}
}

// whoAnswers asks on a connection of its own.
func (t *talk) whoAnswers(request string) string {
	t.dial()
	t.send(request)
	m := readMessage(t.r, "GET")
	_ = t.conn.Close()
	if by := m.values("X-Server"); len(by) == 1 {
		return by[0]
	}
	return m.word(1)
}

// same asks for each key three times, and notes whether the same server answers and whether all servers have some keys.
func same(keys int, request func(t *talk, key int) string) func(*talk) {
	return func(t *talk) {
		faithful, all := true, map[string]bool{}
		for key := range keys {
			first := request(t, key)
			all[first] = true
			for range 2 {
				faithful = faithful && request(t, key) == first
			}
		}
		t.note("the same server for the same key: %t, servers: %d", faithful, len(all))
	}
}

// shares asks so many times, and notes how often each server answers.
func shares(n int) func(*talk) {
	return func(t *talk) {
		count := map[string]int{}
		for range n {
			count[t.whoAnswers(get("/"))]++
		}
		var all []string
		for name, n := range count {
			all = append(all, fmt.Sprintf("%s %d", name, n))
		}
		slices.Sort(all)
		t.note("%s", strings.Join(all, ", "))
	}
}

// pool is a backend of several servers, in three languages: how it balances, and what is said of each server.
func pool(tandem, haproxy, nginx string, servers ...[3]string) site {
	s := site{&words{}, &words{}, &words{}}
	s.tandem.back, s.haproxy.back, s.nginx.back = tandem+"\nservers:", haproxy, nginx
	for i, said := range servers {
		name := fmt.Sprintf("s%d", i+1)
		address := "@" + name + "@"
		if strings.HasPrefix(said[0], "dead") {
			address = "@dead@"
			said[0] = strings.TrimPrefix(said[0], "dead")
		}
		s.tandem.back += fmt.Sprintf("\n  - {name: %s, address: %q%s}", name, address, said[0])
		s.haproxy.back += fmt.Sprintf("\nserver %s %s %s", name, address, said[1])
		s.nginx.back += fmt.Sprintf("\nserver %s %s;", address, said[2])
	}
	if nginx == "-" {
		s.nginx = nil
	}
	return s
}

// balancing are exams of who gets the next request. What servers are asked is no matter.
func balancing() area {
	weight := func(n int) [3]string {
		return [3]string{fmt.Sprintf(", weight: %d", n), fmt.Sprintf("weight %d", n), fmt.Sprintf("weight=%d", n)}
	}
	one, dead, backup := [3]string{}, [3]string{"dead"}, [3]string{", backup: true", "backup", "backup"}
	root := func(int) string { return get("/") }
	tenant := func(t *talk, key int) string { return t.whoAnswers(get("/", fmt.Sprintf("X-T: %d", key*7919))) }
	unkeyed := pool("balance: {algorithm: hash, key: \"header:X-T\"}", "", "hash $http_x_t consistent;", one, one)
	from := func(format string) func(t *talk, key int) string {
		return func(t *talk, key int) string {
			t.source = fmt.Sprintf(format, key+1)
			return t.whoAnswers(get("/"))
		}
	}
	all := []exam{
		{name: "in turn", proves: "R22", site: pool("", "", "", one, one, one), do: turns(7, root)},
		{name: "in turn by weight", proves: "R22 R23", site: pool("", "", "", weight(3), weight(2), weight(1)), do: turns(12, root)},
		{name: "shares by weight", proves: "R22 R23", site: pool("", "", "", weight(5), weight(1), weight(4)), do: shares(20)},
		{name: "weight 0", proves: "R23", site: pool("", "", "-", weight(0), weight(1)), do: turns(3, root)},
		{name: "least connections, idle", proves: "R24", site: pool("balance: {algorithm: least_conn}", "balance leastconn", "least_conn;", weight(3), weight(2), weight(1)), do: turns(6, root)},
		{name: "least connections, idle and equal", proves: "R24", site: pool("balance: {algorithm: least_conn}", "balance leastconn", "least_conn;", one, one), do: turns(4, root)},
		{name: "least connections, busy", proves: "R24", site: pool("balance: {algorithm: least_conn}", "balance leastconn\ntimeout server 1s", "least_conn;", one, one), answer: byPath(map[string]reply{"/hold": stalls()}), do: func(t *talk) {
			t.send(get("/hold"))
			t.awaits("s1")
			turns(3, root)(t)
		}},
		{name: "the first", site: pool("balance: {algorithm: first}", "balance first", "-", one, one), do: turns(3, root)},
		{name: "by source", proves: "R25", site: pool("balance: {algorithm: source}", "balance source\nhash-type consistent", "ip_hash;", one, one), do: same(12, from("127.0.0.%d"))},
		{name: "by source, of several networks", proves: "R25", site: pool("balance: {algorithm: source}", "balance source\nhash-type consistent", "ip_hash;", one, one), do: same(24, from("127.0.%d.1"))},
		{name: "by a header", proves: "R25", site: pool("balance: {algorithm: hash, key: \"header:X-T\"}", "balance hdr(X-T)\nhash-type consistent", "hash $http_x_t consistent;", one, one, one), do: same(20, tenant)},
		{name: "by the path", proves: "R25", site: pool("balance: {algorithm: hash, key: path}", "balance uri\nhash-type consistent", "hash $uri consistent;", one, one), do: same(12, func(t *talk, key int) string {
			return t.whoAnswers(get(fmt.Sprintf("/%d?%d", key*7919, len(t.all))))
		})},
		{name: "by a parameter", proves: "R25", site: pool("balance: {algorithm: hash, key: \"query:u\"}", "balance url_param u\nhash-type consistent", "hash $arg_u consistent;", one, one), do: same(12, func(t *talk, key int) string {
			return t.whoAnswers(get(fmt.Sprintf("/%d?u=%d", len(t.all), key*7919)))
		})},
		{name: "without the key", proves: "R25", site: site{unkeyed.tandem, nil, unkeyed.nginx}, do: turns(4, root)},
		{name: "at random", proves: "R27", site: pool("balance: {algorithm: random}", "balance random", "random two;", one, one), do: func(t *talk) {
			all := map[string]bool{}
			for range 40 {
				all[t.whoAnswers(get("/"))] = true
			}
			t.note("%d servers answer", len(all))
		}},
		{name: "backups rest", site: pool("", "", "", one, backup), do: turns(3, root)},
		{name: "backups stand in", site: pool("retries: 1", "retries 1\noption redispatch 1", "", [3]string{"dead"}, backup), do: turns(2, root)},
		{name: "one of two refuses", proves: "R41 R42", site: pool("retries: 1", "retries 1\noption redispatch 1", "", dead, one), do: turns(4, root)},
		{name: "one of two refuses a POST", proves: "R42", site: pool("retries: 1", "retries 1\noption redispatch 1", "", dead, one), ask: []string{by("POST", "/1", "Content-Length: 3", "", "abc"), by("POST", "/2", "Content-Length: 3", "", "abc")}},
		{name: "all refuse", proves: "R35", site: pool("retries: 1\ntimeouts: {connect: 300ms}", "retries 1\ntimeout connect 300ms", "", dead, dead), ask: []string{get("/")}},
	}
	for i := range all {
		all[i].shows.client = all[i].do != nil
	}
	return area{"Balancing", all, balancingDiffer()}
}
