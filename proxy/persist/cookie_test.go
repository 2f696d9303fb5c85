package persist

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/upstream"
)

// now is awIUC in HAProxy's dates, as are those below.
var now = time.Unix(1795298312, 0)

// fields are the Cookie fields of a request.
type fields []string

func (f fields) Next(name string, from int) (string, int, bool) {
	if name != "cookie" || from >= len(f) {
		return "", from, false
	}
	return f[from], from + 1, true
}

func newServer(name string) *upstream.Server {
	return upstream.NewServer(upstream.Key{Backend: "app", Name: name}, upstream.Link{})
}

// site has the servers a, b, none and again, which are called A, B, nothing and B.
type site struct {
	*Cookie
	servers []*upstream.Server
}

func newSite(t testing.TB, c Config) site {
	t.Helper()
	if c.Name == "" {
		c.Name = "S"
	}
	s := site{}
	var named []Server
	for i, value := range []string{"A", "B", "", "B"} {
		server := newServer([]string{"a", "b", "none", "again"}[i])
		s.servers, named = append(s.servers, server), append(named, Server{server, value})
	}
	var err error
	if s.Cookie, err = NewCookie(c, named); err != nil {
		t.Fatal(err)
	}
	return s
}

// read returns the state that a request has, and the names of the servers that it belongs to.
func (s site) read(cookies ...string) (v Visit, names string) {
	v, servers := s.Read(now, fields(cookies), nil)
	for _, server := range servers {
		names += " " + server.Key().Name
	}
	return v, strings.TrimSpace(names)
}

// respond returns the head that a client gets of a server's, and the letter.
func (s site) respond(v Visit, server int, head ...string) (after []string, letter string) {
	var r Response
	r.Start(s.Cookie, now, s.servers[server], v)
	add := func(name string, value []byte) { after = append(after, name+": "+string(value)) }
	for _, line := range head {
		name, value, _ := strings.Cut(line, ": ")
		if v, ok := r.Field([]byte(name), []byte(value)); ok {
			add(name, v)
		}
	}
	r.Each(nil, add)
	return after, string(r.Letter())
}

func (s site) asked(cookie string) string { return string(s.AppendAsked(nil, []byte(cookie))) }

func TestR52_Read(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		mode    Mode
		cookies []string
		state   State
		servers string
	}{
		{"none", Insert, nil, None, ""},
		{"others", Insert, []string{"a=1; XS=A; s=A; S", "SS=A"}, None, ""},
		{"one", Insert, []string{"S=A"}, Valid, "a"},
		{"two servers of one name", Insert, []string{"S=B"}, Valid, "b again"},
		{"among others", Insert, []string{"a=1; S=A; c=2"}, Valid, "a"},
		{"no blanks, more blanks, empty pairs", Insert, []string{"a=1;;S=A \t;  c=2;"}, Valid, "a"},
		{"in the second field", Insert, []string{"a=1", "S=A"}, Valid, "a"},
		{"unknown", Insert, []string{"S=Z"}, Invalid, ""},
		{"empty", Insert, []string{"S="}, Invalid, ""},
		{"in quotes", Insert, []string{`S="A"`}, Invalid, ""},
		{"longer", Insert, []string{"S=AA"}, Invalid, ""},
		{"another case", Insert, []string{"S=a"}, Invalid, ""},
		{"unknown and known", Insert, []string{"S=Z; S=A"}, Valid, "a"},
		{"known and unknown", Insert, []string{"S=A; S=Z"}, Valid, "a"},
		{"two known", Insert, []string{"S=B", "S=A"}, Valid, "b again a"},
		{"with dates", Insert, []string{"S=A|awIUC|awIUC"}, Valid, "a"},
		{"with junk for dates", Insert, []string{"S=A|x|y|z"}, Valid, "a"},
		{"rewrite", Rewrite, []string{"S=A"}, Valid, "a"},
		{"rewrite takes no part", Rewrite, []string{"S=A~x; S=B|x"}, Invalid, ""},
		{"prefix", Prefix, []string{"S=A~session"}, Valid, "a"},
		{"prefix alone", Prefix, []string{"S=A"}, Valid, "a"},
		{"prefix unknown", Prefix, []string{"S=Z~A"}, Invalid, ""},
		{"prefix empty", Prefix, []string{"S=~A"}, Invalid, ""},
	} {
		v, servers := newSite(t, Config{Mode: tt.mode}).read(tt.cookies...)
		if v.State != tt.state || servers != tt.servers {
			t.Errorf("%s: got %c %q, want %c %q", tt.name, v.State, servers, tt.state, tt.servers)
		}
	}
}

// R53: what HAProxy 2.6 leaves of a Cookie field; where it writes "a=2" of "S=B,a=2" a comma is no separator here (RFC 6265 section 4.2.1).
func TestR53_WhatServersSee(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode         Mode
		cookie, want string
	}{
		{Insert, "S=A", ""},
		{Insert, "S=Z", ""},
		{Insert, "S=", ""},
		{Insert, "S=B;", ""},
		{Insert, ";S=B", ""},
		{Insert, "S=B; S=A", ""},
		{Insert, "a=1; S=B; c=2", "a=1; c=2"},
		{Insert, "S=B; a=1", "a=1"},
		{Insert, "a=1;S=B", "a=1"},
		{Insert, "a=1;  S=B ;c=2", "a=1; c=2"},
		{Insert, "a=1; ;S=B;;c=2", "a=1; c=2"},
		{Insert, "S", "S"},
		{Insert, "XS=B", "XS=B"},
		{Insert, "a=1;;  b=2 ;", "a=1;;  b=2 ;"},
		{Insert, "S=B,a=2", ""},
		{Prefix, "S=A~sess; o=1", "S=sess; o=1"},
		{Prefix, "o=1;S=Z~sess", "o=1; S=sess"},
		{Prefix, "S=~x", "S=x"},
		{Prefix, "S=A~x~y", "S=x~y"},
		{Prefix, "S=Z", "S=Z"},
	} {
		s := newSite(t, Config{Mode: tt.mode, Indirect: tt.mode == Insert})
		if !s.Hides() {
			t.Errorf("%s: hides nothing", tt.cookie)
		}
		if got := s.asked(tt.cookie); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.cookie, got, tt.want)
		}
	}
	for _, c := range []Config{{}, {Mode: Rewrite}} {
		if newSite(t, c).Hides() {
			t.Errorf("%+v: hides what servers are to see", c)
		}
	}
}

// What HAProxy 2.6 makes of the same responses.
func TestR51_R54_R56_Responses(t *testing.T) {
	t.Parallel()
	own, two := "Set-Cookie: S=server; path=/x; HttpOnly", "Set-Cookie: o=1"
	valid, none, invalid, down := Visit{State: Valid}, Visit{State: None}, Visit{State: Invalid}, Visit{State: Down}
	for _, tt := range []struct {
		name   string
		config Config
		visit  Visit
		server int
		head   []string
		want   []string
		letter string
	}{
		{"R51 new", Config{}, none, 0, []string{"x-s: a"}, []string{"x-s: a", "Set-Cookie: S=A; path=/"}, "I"},
		{"R51 unknown", Config{}, invalid, 1, nil, []string{"Set-Cookie: S=B; path=/"}, "I"},
		{"R57 of one that is down", Config{}, down, 1, nil, []string{"Set-Cookie: S=B; path=/"}, "I"},
		{"R52 known", Config{}, valid, 0, []string{"x-s: a"}, []string{"x-s: a"}, "N"},
		{
			"R51 attributes", Config{Domain: ".x.com", Path: "/app", HTTPOnly: true, Secure: true, SameSite: "Lax"}, none, 0, nil,
			[]string{"Set-Cookie: S=A; path=/app; domain=.x.com; HttpOnly; Secure; SameSite=Lax"}, "I",
		},
		{"R54 the server's is taken away", Config{}, valid, 0, []string{own, two}, []string{two}, "D"},
		{"R54 and replaced", Config{}, none, 0, []string{own, two}, []string{two, "Set-Cookie: S=A; path=/"}, "I"},
		{"R54 each of them", Config{}, valid, 0, []string{"set-cookie: S=1", "SET-COOKIE:  S = 2 ; path=/", "Set-Cookie: S="}, nil, "D"},
		{"R54 others stay", Config{}, valid, 0, []string{"Set-Cookie: s=1", "Set-Cookie: o=1, S=2; path=/", "Set-Cookie: XS=1", "Set-Cookie: S"}, []string{"Set-Cookie: s=1", "Set-Cookie: o=1, S=2; path=/", "Set-Cookie: XS=1", "Set-Cookie: S"}, "N"},
		{"preserve", Config{Preserve: true}, none, 0, []string{own}, []string{own}, "P"},
		{"preserve, known", Config{Preserve: true}, valid, 0, []string{own}, []string{own}, "P"},
		{"preserve, none", Config{Preserve: true}, none, 0, nil, []string{"Set-Cookie: S=A; path=/"}, "I"},
		{
			"R56 a server without a name", Config{HTTPOnly: true}, none, 2, nil,
			[]string{"Set-Cookie: S=; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/; HttpOnly"}, "I",
		},
		{"rewrite", Config{Mode: Rewrite}, none, 0, []string{own, two}, []string{"Set-Cookie: S=A; path=/x; HttpOnly", two}, "R"},
		{"rewrite, known", Config{Mode: Rewrite}, valid, 0, []string{"Set-Cookie:  S = v ; path=/"}, []string{"Set-Cookie: S=A; path=/"}, "R"},
		{"rewrite, empty", Config{Mode: Rewrite}, valid, 0, []string{"Set-Cookie: S=", two}, []string{"Set-Cookie: S=A", two}, "R"},
		{"rewrite, nothing", Config{Mode: Rewrite}, none, 0, []string{two}, []string{two}, "N"},
		{"rewrite, a server without a name", Config{Mode: Rewrite}, none, 2, []string{own}, []string{own}, "P"},
		{"prefix", Config{Mode: Prefix}, none, 1, []string{own, two}, []string{"Set-Cookie: S=B~server; path=/x; HttpOnly", two}, "R"},
		{"prefix, empty", Config{Mode: Prefix}, valid, 1, []string{"Set-Cookie: S="}, []string{"Set-Cookie: S=B~"}, "R"},
		{"prefix, nothing", Config{Mode: Prefix}, invalid, 1, nil, nil, "N"},
		{"prefix, a server without a name", Config{Mode: Prefix}, none, 2, []string{own}, []string{own}, "P"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, letter := newSite(t, tt.config).respond(tt.visit, tt.server, tt.head...)
			if !slices.Equal(got, tt.want) || letter != tt.letter {
				t.Errorf("got %q %s, want %q %s", got, letter, tt.want, tt.letter)
			}
		})
	}
}

// R55: one field that says private, whatever the server has said.
func TestR55_NoCache(t *testing.T) {
	t.Parallel()
	const cookie = "Set-Cookie: S=A; path=/"
	for _, tt := range []struct {
		name  string
		visit State
		head  []string
		want  []string
	}{
		{"nothing said", None, nil, []string{cookie, "Cache-Control: private"}},
		{"public", None, []string{"Cache-Control: public, max-age=60"}, []string{cookie, "Cache-Control: private, max-age=60"}},
		{"for shared caches", None, []string{"cache-control: S-MaxAge=3,Public , proxy-revalidate, must-revalidate"}, []string{cookie, "Cache-Control: private, must-revalidate"}},
		{"stricter", None, []string{"Cache-Control: no-store"}, []string{cookie, "Cache-Control: private, no-store"}},
		{"two fields", None, []string{"Cache-Control: public", "x: y", "CACHE-CONTROL: no-cache"}, []string{"x: y", cookie, "Cache-Control: private, no-cache"}},
		{"quotes", None, []string{`Cache-Control: private="a, public", no-cache="s-maxage=1, \"b", x=1`}, []string{cookie, `Cache-Control: private, no-cache="s-maxage=1, \"b", x=1`}},
		{"quotes in quotes", None, []string{`Cache-Control: no-cache="a\", public, \"b"`}, []string{cookie, `Cache-Control: private, no-cache="a\", public, \"b"`}},
		{"empty elements", None, []string{"Cache-Control: , ,max-age=1,"}, []string{cookie, "Cache-Control: private, max-age=1"}},
		{"no cookie is set", Valid, []string{"Cache-Control: public"}, []string{"Cache-Control: public"}},
	} {
		got, _ := newSite(t, Config{NoCache: true}).respond(Visit{State: tt.visit}, 0, tt.head...)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	got, letter := newSite(t, Config{NoCache: true, Preserve: true}).respond(Visit{State: None}, 0, "Cache-Control: public", "Set-Cookie: S=1", "Cache-Control: max-age=1")
	if want := []string{"Set-Cookie: S=1", "Cache-Control: public, max-age=1"}; !slices.Equal(got, want) || letter != "P" {
		t.Errorf("the server's own cookie: got %q %s, want %q P", got, letter, want)
	}
	got, _ = newSite(t, Config{}).respond(Visit{State: None}, 0, "Cache-Control: public")
	if want := []string{"Cache-Control: public", cookie}; !slices.Equal(got, want) {
		t.Errorf("without nocache: got %q, want %q", got, want)
	}
}

// date writes HAProxy's date of so many seconds ago.
func date(ago int) string { return string(appendDate(nil, now.Unix()-int64(ago))) }

// R51: what HAProxy 2.6 makes of dates. A server other than b answers what is not of b any more.
func TestR51_Dates(t *testing.T) {
	t.Parallel()
	today := date(0)
	idle, life, both := Config{MaxIdle: time.Minute}, Config{MaxLife: time.Minute}, Config{MaxIdle: time.Minute, MaxLife: 10 * time.Minute}
	for _, tt := range []struct {
		name    string
		config  Config
		cookie  string // after its name; % stands for it
		letters string
		set     string // empty: nothing
	}{
		{"idle, none", idle, "", "NI", "A|" + today},
		{"idle, no date", idle, "B", "VU", "B|" + today},
		{"idle, today", idle, "B|" + today, "VN", ""},
		{"idle, before", idle, "B|" + date(4), "VU", "B|" + today},
		{"idle, long before", idle, "B|" + date(60), "VU", "B|" + today},
		{"idle, too long", idle, "B|" + date(64), "EI", "A|" + today},
		{"idle, ahead", idle, "B|" + date(-1000), "VN", ""},
		{"idle, far ahead", idle, "B|" + date(-100000), "EI", "A|" + today},
		{"idle, two dates", idle, "B|" + today + "|" + today, "VU", "B|" + today},
		{"idle, junk", idle, "B|junk", "VU", "B|" + today},
		{"idle, more than a date", idle, "B|" + today + "x", "VU", "B|" + today},
		{"idle, odd digits", idle, "B|aw_UC", "VU", "B|" + today},
		{"idle, nothing", idle, "B|", "VU", "B|" + today},
		{"idle, unknown", idle, "Z|" + today, "II", "A|" + today},
		{"life, none", life, "", "NI", "A|" + today + "|" + today},
		{"life, no date", life, "B", "VU", "B|" + today + "|" + today},
		{"life, one date", life, "B|" + today, "VU", "B|" + today + "|" + today},
		{"life, first alone", life, "B||" + date(8), "VN", ""},
		{"life, before", life, "B|" + date(4) + "|" + date(8), "VU", "B|" + today + "|" + date(8)},
		{"life, idle is no matter", life, "B|" + date(1000) + "|" + date(8), "VU", "B|" + today + "|" + date(8)},
		{"life, too old", life, "B|" + today + "|" + date(64), "OI", "A|" + today + "|" + today},
		{"life, far ahead", life, "B|" + today + "|" + date(-100000), "OI", "A|" + today + "|" + today},
		{"both, in use", both, "B|" + date(8) + "|" + date(100), "VU", "B|" + today + "|" + date(100)},
		{"both, idle", both, "B|" + date(64) + "|" + date(100), "EI", "A|" + today + "|" + today},
		{"both, old", both, "B|" + date(8) + "|" + date(700), "OI", "A|" + today + "|" + today},
		{"both, both", both, "B|" + date(64) + "|" + date(700), "OI", "A|" + today + "|" + today},
		{"dates that are not wanted", Config{}, "B|" + date(8), "VU", "B"},
		{"first that is not wanted", Config{}, "B||" + today, "VU", "B"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, tt.config)
			var cookies []string
			if tt.cookie != "" {
				cookies = []string{"S=" + tt.cookie}
			}
			v, servers := s.read(cookies...)
			server := 0
			if servers != "" {
				server = 1
			}
			head, letter := s.respond(v, server)
			want := []string{"Set-Cookie: S=" + tt.set + "; path=/"}
			if tt.set == "" {
				want = nil
			}
			if got := string(v.State) + letter; got != tt.letters || !slices.Equal(head, want) {
				t.Errorf("got %s %q, want %s %q", got, head, tt.letters, want)
			}
		})
	}
}

// Of several cookies the one counts that tells most, and of equals the first.
func TestSeveralDates(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{MaxIdle: time.Minute, MaxLife: time.Hour})
	fresh, idle, old := "S=B|"+date(8)+"|"+date(100), "S=A|"+date(100)+"|"+date(200), "S=A|"+date(8)+"|"+date(10000)
	for _, tt := range []struct {
		cookies []string
		want    Visit
	}{
		{[]string{fresh, "S=B|" + date(4) + "|" + date(40)}, Visit{Valid, now.Unix() - 100, now.Unix() - 8}},
		{[]string{"S=Z", idle, old, fresh}, Visit{Valid, now.Unix() - 100, now.Unix() - 8}},
		{[]string{old, idle, "S=Z"}, Visit{Old, now.Unix() - 10000, now.Unix() - 8}},
		{[]string{idle, old}, Visit{Old, now.Unix() - 10000, now.Unix() - 8}},
	} {
		if v, _ := s.read(strings.Join(tt.cookies, "; ")); v != tt.want {
			t.Errorf("%q: got %+v, want %+v", tt.cookies, v, tt.want)
		}
	}
}

// Another server than the one before begins anew.
func TestDatesBeginAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{MaxLife: time.Hour})
	v, _ := s.read("S=B|" + date(100) + "|" + date(100))
	v.State = Down
	got, letter := s.respond(v, 0)
	if want := []string{"Set-Cookie: S=A|" + date(0) + "|" + date(0) + "; path=/"}; !slices.Equal(got, want) || letter != "I" {
		t.Errorf("got %q %s, want %q I", got, letter, want)
	}
}

func TestDateIsHAProxys(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int64]string{1795298313: "awIUD", 1795298312: "awIUC", 1795298309: "awIUC", 0: "AAAAA"} {
		if got := string(appendDate(nil, seconds)); got != want {
			t.Errorf("%d: got %s, want %s", seconds, got, want)
		}
		if got := dateOf(want); got < seconds || got > seconds+3 {
			t.Errorf("%s: got %d, want %d or little more", want, got, seconds)
		}
	}
}

// R58: what nodes with one secret say is the same, tells nobody who the servers are, and cannot be made up.
func TestR58_Sealed(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte{7}, 32)
	config := Config{Backend: "app", Secret: secret}
	one, other := newSite(t, config), newSite(t, config)
	head, _ := one.respond(Visit{State: None}, 0)
	value, _, _ := strings.Cut(strings.TrimPrefix(head[0], "Set-Cookie: S="), ";")
	if len(value) != 16 || value == "A" {
		t.Fatalf("got %q", value)
	}
	if v, servers := other.read("S=" + value); v.State != Valid || servers != "a" {
		t.Errorf("the other node: got %c %q, want V a", v.State, servers)
	}
	for what, s := range map[string]site{
		"another secret":  newSite(t, Config{Backend: "app", Secret: bytes.Repeat([]byte{8}, 32)}),
		"another backend": newSite(t, Config{Backend: "api", Secret: secret}),
		"no secret":       newSite(t, Config{Backend: "app"}),
	} {
		if v, _ := s.read("S=" + value); v.State != Invalid {
			t.Errorf("%s: got %c, want I", what, v.State)
		}
	}
	if v, _ := one.read("S=A"); v.State != Invalid {
		t.Errorf("the plain name: got %c, want I", v.State)
	}
	if one.seal.sum("dates ", "A") == value {
		t.Error("what stands for a server could stand for dates")
	}
	for _, mode := range []Mode{Rewrite, Prefix} {
		s := newSite(t, Config{Backend: "app", Mode: mode, Secret: secret})
		head, _ := s.respond(Visit{State: None}, 0, "Set-Cookie: S=x")
		if v, servers := s.read(strings.TrimPrefix(head[0], "Set-Cookie: ")); v.State != Valid || servers != "a" {
			t.Errorf("mode %d: %q: got %c %q, want V a", mode, head, v.State, servers)
		}
	}
}

func TestR58_SealedDates(t *testing.T) {
	t.Parallel()
	config := Config{Backend: "app", Secret: bytes.Repeat([]byte{7}, 32), MaxIdle: time.Minute, MaxLife: time.Hour}
	s := newSite(t, config)
	head, _ := s.respond(Visit{State: None}, 1)
	value, _, _ := strings.Cut(strings.TrimPrefix(head[0], "Set-Cookie: S="), ";")
	v, servers := s.read("S=" + value)
	if today := (now.Unix() + 3) &^ 3; v != (Visit{Valid, today, today}) || servers != "b again" {
		t.Fatalf("%s: got %+v %q", value, v, servers)
	}
	parts := strings.Split(value, "|")
	if len(parts) != 4 {
		t.Fatalf("got %q", value)
	}
	for _, forged := range []string{
		parts[0], parts[0] + "|" + parts[1] + "|" + parts[2], parts[0] + "|" + date(-8) + "|" + parts[2] + "|" + parts[3],
		parts[0] + "||" + parts[2] + "|" + parts[3], value + "x", value[:len(value)-1], "|", "",
	} {
		if v, _ := s.read("S=" + forged); v.State != Invalid {
			t.Errorf("%q: got %c, want I", forged, v.State)
		}
	}
	config.MaxIdle, config.MaxLife = 0, 0
	if v, servers := newSite(t, config).read("S=" + value); v.State != Valid || servers != "b again" {
		t.Errorf("dates that are not wanted any more: got %c %q, want V b again", v.State, servers)
	}
}

func TestConfigFault(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		config Config
		want   string
	}{
		{Config{Name: "S", MaxIdle: time.Minute, SameSite: "None", Secure: true}, ""},
		{Config{Name: "__Host-s", Secure: true}, ""},
		{Config{Name: "__secure-s", Secure: true, Domain: "x.com"}, ""},
		{Config{Name: "__Host-s", Mode: Prefix}, ""},
		{Config{}, `"" is no name of a cookie`},
		{Config{Name: "a b"}, `"a b" is no name of a cookie`},
		{Config{Name: "S", Mode: Rewrite, Indirect: true}, "cookie S is the servers', who say themselves what it is like"},
		{Config{Name: "S", Mode: Prefix, MaxLife: time.Second}, "cookie S is the servers', who say themselves what it is like"},
		{Config{Name: "S", MaxIdle: time.Millisecond}, "cookie S is good for 1ms and 0s, want whole seconds"},
		{Config{Name: "S", MaxLife: -time.Second}, "cookie S is good for 0s and -1s, want whole seconds"},
		{Config{Name: "S", Domain: "a;b"}, `cookie S: domain "a;b" and path "", want text without blanks and semicolons`},
		{Config{Name: "S", Path: "x"}, `cookie S: path "x", want one that begins with /`},
		{Config{Name: "S", SameSite: "lax"}, "cookie S: SameSite lax, want Strict, Lax or None"},
		{Config{Name: "S", SameSite: "None"}, "cookie S: browsers take SameSite=None only with Secure"},
		{Config{Name: "__secure-s"}, "cookie __secure-s: browsers take that name only with Secure"},
		{Config{Name: "__Host-s", Secure: true, Path: "/a"}, "cookie __Host-s: browsers take that name only with the path / and no domain"},
	} {
		_, err := NewCookie(tt.config, nil)
		if got := fmt.Sprint(err); got != tt.want && !(err == nil && tt.want == "") {
			t.Errorf("%+v: got %v, want %s", tt.config, err, tt.want)
		}
	}
	for value, want := range map[string]string{
		"A1-_.!": "<nil>", "": "the name of a server in a cookie is empty",
		"a b": `"a b" as the name of a server in a cookie, want printable ASCII without blanks and " , ; \ | ~`,
		"a|b": `"a|b" as the name of a server in a cookie, want printable ASCII without blanks and " , ; \ | ~`,
		"a~b": `"a~b" as the name of a server in a cookie, want printable ASCII without blanks and " , ; \ | ~`,
	} {
		if got := fmt.Sprint(ValueFault(value)); got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
	if _, err := NewCookie(Config{Name: "S"}, []Server{{newServer("a"), "a;b"}}); err == nil {
		t.Error("a server with a name that does not fit is taken")
	}
}

// FuzzCookie: whatever clients and servers send, servers never see what is hidden from them, and a client that keeps the cookie comes back.
func FuzzCookie(f *testing.F) {
	for _, seed := range []string{"", "S=A", "S=B|awIUC|awIUC; o=1", "o=1;S=A~x;", ";;S=", "S=A; S=Z"} {
		f.Add(seed, "S=x; path=/", "public, max-age=1")
	}
	hidden, dated := newSite(f, Config{Indirect: true, NoCache: true}), newSite(f, Config{Secret: bytes.Repeat([]byte{7}, 32), MaxIdle: time.Minute, MaxLife: time.Hour})
	rewritten, prefixed := newSite(f, Config{Mode: Rewrite}), newSite(f, Config{Mode: Prefix})
	f.Fuzz(func(t *testing.T, cookie, set, control string) {
		if v, _ := hidden.read(hidden.asked(cookie)); v.State != None {
			t.Errorf("%q: servers see %q", cookie, hidden.asked(cookie))
		}
		for _, s := range []site{hidden, dated, rewritten, prefixed} {
			v, servers := s.read(cookie)
			if (v.State == Valid) != (servers != "") {
				t.Errorf("%q: %c, and servers %q", cookie, v.State, servers)
			}
			head, letter := s.respond(v, 0, "Set-Cookie: "+set, "Cache-Control: "+control)
			for _, line := range head {
				pair, ours := strings.CutPrefix(line, "Set-Cookie: S=")
				if !ours || s.config.Preserve {
					continue
				}
				value, _, _ := strings.Cut(pair, ";")
				if v, servers := s.read("S=" + value); v.State != Valid || servers != "a" {
					t.Errorf("%q %s: the client comes back as %c to %q", line, letter, v.State, servers)
				}
			}
		}
	})
}

func TestConfiguredCookiesAllocateLittle(t *testing.T) {
	s := newSite(t, Config{Indirect: true, NoCache: true, MaxIdle: time.Minute})
	var f Fields = fields{"a=1; S=B|" + date(8), "c=2"}
	var into []*upstream.Server
	var r Response
	scratch, name, value := make([]byte, 0, 256), []byte("content-type"), []byte("text/plain")
	field := []byte("a=1; S=B; c=2")
	n := testing.AllocsPerRun(100, func() {
		var v Visit
		v, into = s.Read(now, f, into[:0])
		scratch = s.AppendAsked(scratch[:0], field)
		r.Start(s.Cookie, now, into[0], v)
		if _, ok := r.Field(name, value); !ok {
			t.Error("a field is gone")
		}
		scratch = r.Each(scratch, func(string, []byte) {})
	})
	if n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
