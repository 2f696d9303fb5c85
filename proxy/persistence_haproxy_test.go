package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/internal/peers"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/proxytest"
)

// shop is a backend with a cookie, of servers that are all called by their letters in upper case.
type shop struct {
	name    string
	haproxy string // what HAProxy is told after "cookie S"
	config  persist.Config
	extra   []string // fields of each response of a server, name and value in turn
	servers string   // letters; in upper case: not called anything. d refuses, z has weight 0, x is down
	retries int
	firm    bool // there is no redispatch
	visits  []call
}

// call is a request with the cookies of a client, and what comes of it: the server, the status, what the client is told and the server
// sees, the letters of the log, and the retries.
type call struct {
	cookie string // fields are parted by a line feed; % stands for the date
	want   string

	haproxy string // where it differs, and
	why     string // why
}

const (
	noStore  = "its cookie goes with what caches may keep unless they are told something else"
	doubled  = "it adds a second field, which contradicts the server's"
	noCommas = "it parts cookies by commas, which RFC 6265 does not"
	blanks   = "it takes blanks around the name of a cookie away; no browser sends them"
	attached = "it keeps the blanks of a server's cookie before the semicolon"
)

func shops() []shop {
	const private = "Cache-Control: private"
	return []shop{
		{name: "insert", haproxy: "insert", visits: []call{
			{cookie: "", want: "a 200 [S=A; path=/] saw[] NI 0"},
			{cookie: "S=B", want: "b 200 [] saw[S=B] VN 0"},
			{cookie: "S=Z", want: "b 200 [S=B; path=/] saw[S=Z] II 0"},
			{cookie: "S=", want: "a 200 [S=A; path=/] saw[S=] II 0"},
			{cookie: "s=B", want: "b 200 [S=B; path=/] saw[s=B] NI 0"},
			{cookie: `S="B"`, want: `a 200 [S=A; path=/] saw[S="B"] II 0`},
			{cookie: "S=B; S=A", want: "b 200 [] saw[S=B; S=A] VN 0"},
			{cookie: "S=Z; S=A", want: "a 200 [] saw[S=Z; S=A] VN 0"},
			{cookie: "a=1\nS=B", want: "b 200 [] saw[a=1|S=B] VN 0"},
			{cookie: "S = A", want: "b 200 [S=B; path=/] saw[S = A] NI 0", haproxy: "a 200 [] saw[S=A] VN 0", why: blanks},
		}},
		{name: "insert indirect nocache", haproxy: "insert indirect nocache", config: persist.Config{Indirect: true, NoCache: true}, visits: []call{
			{cookie: "", want: "a 200 [S=A; path=/|" + private + "] saw[] NI 0", haproxy: "a 200 [S=A; path=/] saw[] NI 0", why: noStore},
			{cookie: "a=1; S=B; c=2", want: "b 200 [] saw[a=1; c=2] VN 0"},
			{cookie: "a=1;S=B", want: "b 200 [] saw[a=1] VN 0"},
			{cookie: "a=1;  S=B ;c=2", want: "b 200 [] saw[a=1; c=2] VN 0"},
			{cookie: "S=B;", want: "b 200 [] saw[] VN 0"},
			{cookie: ";S=B", want: "b 200 [] saw[] VN 0"},
			{cookie: "S", want: "b 200 [S=B; path=/|" + private + "] saw[S] NI 0", haproxy: "b 200 [S=B; path=/] saw[S] NI 0", why: noStore},
			{cookie: "S=B\na=1\nS=A", want: "b 200 [] saw[a=1] VN 0"},
			{cookie: "S=A|junk", want: "a 200 [] saw[] VN 0"},
			{cookie: "S=B~x", want: "a 200 [S=A; path=/|" + private + "] saw[] II 0", haproxy: "a 200 [S=A; path=/] saw[] II 0", why: noStore},
			{cookie: "S=A,a=2", want: "b 200 [S=B; path=/|" + private + "] saw[] II 0", haproxy: "a 200 [] saw[a=2] VN 0", why: noCommas},
		}},
		{name: "R55 public", haproxy: "insert nocache", config: persist.Config{NoCache: true}, extra: []string{"Cache-Control", "public, max-age=60"}, visits: []call{
			{cookie: "", want: "a 200 [S=A; path=/|" + private + ", max-age=60] saw[] NI 0", haproxy: "a 200 [S=A; path=/|Cache-Control: public, max-age=60|" + private + "] saw[] NI 0", why: doubled},
			{cookie: "S=B", want: "b 200 [Cache-Control: public, max-age=60] saw[S=B] VN 0"},
		}},
		{name: "R55 no-store", haproxy: "insert nocache", config: persist.Config{NoCache: true}, extra: []string{"Cache-Control", "no-store"}, visits: []call{
			{cookie: "", want: "a 200 [S=A; path=/|" + private + ", no-store] saw[] NI 0", haproxy: "a 200 [S=A; path=/|Cache-Control: no-store] saw[] NI 0", why: noStore},
		}},
		{name: "attributes", haproxy: "insert domain .x.com httponly secure attr SameSite=Lax", config: persist.Config{Domain: ".x.com", HTTPOnly: true, Secure: true, SameSite: "Lax"}, servers: "aB", visits: []call{
			{cookie: "", want: "a 200 [S=A; path=/; domain=.x.com; HttpOnly; Secure; SameSite=Lax] saw[] NI 0"},
			{cookie: "", want: "B 200 [S=; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/; domain=.x.com; HttpOnly; Secure; SameSite=Lax] saw[] NI 0"},
			{cookie: "S=Z", want: "a 200 [S=A; path=/; domain=.x.com; HttpOnly; Secure; SameSite=Lax] saw[S=Z] II 0"},
		}},
		{name: "R54", haproxy: "insert indirect", config: persist.Config{Indirect: true}, extra: []string{"Set-Cookie", "S=server; path=/x; HttpOnly", "Set-Cookie", "o=1"}, visits: []call{
			{cookie: "", want: "a 200 [o=1|S=A; path=/] saw[] NI 0"},
			{cookie: "S=B", want: "b 200 [o=1] saw[] VD 0"},
			{cookie: "S=Z", want: "b 200 [o=1|S=B; path=/] saw[] II 0"},
		}},
		{name: "preserve", haproxy: "insert preserve", config: persist.Config{Preserve: true}, extra: []string{"Set-Cookie", "S=server", "Set-Cookie", "o=1"}, visits: []call{
			{cookie: "", want: "a 200 [S=server|o=1] saw[] NP 0"},
			{cookie: "S=B", want: "b 200 [S=server|o=1] saw[S=B] VP 0"},
		}},
		{name: "rewrite", haproxy: "rewrite", config: persist.Config{Mode: persist.Rewrite}, servers: "abC", extra: []string{"Set-Cookie", "S=server; path=/x", "Set-Cookie", "S = v ; path=/", "Set-Cookie", "o=1"}, visits: []call{
			{cookie: "", want: "a 200 [S=A; path=/x|S=A; path=/|o=1] saw[] NR 0", haproxy: "a 200 [S=A; path=/x|S=A ; path=/|o=1] saw[] NR 0", why: attached},
			{cookie: "S=B~x", want: "b 200 [S=B; path=/x|S=B; path=/|o=1] saw[S=B~x] IR 0", haproxy: "b 200 [S=B; path=/x|S=B ; path=/|o=1] saw[S=B~x] IR 0", why: attached},
			{cookie: "S=A", want: "a 200 [S=A; path=/x|S=A; path=/|o=1] saw[S=A] VR 0", haproxy: "a 200 [S=A; path=/x|S=A ; path=/|o=1] saw[S=A] VR 0", why: attached},
			{cookie: "", want: "C 200 [S=server; path=/x|S = v ; path=/|o=1] saw[] NP 0", haproxy: "C 200 [S=server; path=/x|S=v ; path=/|o=1] saw[] NP 0", why: attached},
		}},
		{name: "rewrite, and nothing is set", haproxy: "rewrite", config: persist.Config{Mode: persist.Rewrite}, visits: []call{
			{cookie: "", want: "a 200 [] saw[] NN 0"},
			{cookie: "S=B", want: "b 200 [] saw[S=B] VN 0"},
		}},
		{name: "prefix", haproxy: "prefix", config: persist.Config{Mode: persist.Prefix}, extra: []string{"Set-Cookie", "S=server; path=/x", "Set-Cookie", "S="}, visits: []call{
			{cookie: "", want: "a 200 [S=A~server; path=/x|S=A~] saw[] NR 0"},
			{cookie: "S=B~sess; o=1", want: "b 200 [S=B~server; path=/x|S=B~] saw[S=sess; o=1] VR 0"},
			{cookie: "S=Z~sess", want: "b 200 [S=B~server; path=/x|S=B~] saw[S=sess] IR 0"},
			{cookie: "S=~x", want: "a 200 [S=A~server; path=/x|S=A~] saw[S=x] IR 0"},
			{cookie: "S=B", want: "b 200 [S=B~server; path=/x|S=B~] saw[S=B] VR 0"},
		}},
		{name: "maxidle", haproxy: "insert indirect maxidle 1h", config: persist.Config{Indirect: true, MaxIdle: time.Hour}, visits: []call{
			{cookie: "", want: "a 200 [S=A|DATE; path=/] saw[] NI 0"},
			{cookie: "S=B", want: "b 200 [S=B|DATE; path=/] saw[] VU 0"},
			{cookie: "S=B|AAAAA", want: "b 200 [S=B|DATE; path=/] saw[] VU 0"},
			{cookie: "S=B|AAAAB", want: "b 200 [S=B|DATE; path=/] saw[] EI 0"},
			{cookie: "S=B|99999", want: "a 200 [S=A|DATE; path=/] saw[] EI 0"},
		}},
		{name: "maxlife", haproxy: "insert indirect maxidle 1h maxlife 2h", config: persist.Config{Indirect: true, MaxIdle: time.Hour, MaxLife: 2 * time.Hour}, visits: []call{
			{cookie: "", want: "a 200 [S=A|DATE|DATE; path=/] saw[] NI 0"},
			{cookie: "S=B||AAAAB", want: "b 200 [S=B|DATE|DATE; path=/] saw[] OI 0"},
			{cookie: "S=B|AAAAB|AAAAB", want: "a 200 [S=A|DATE|DATE; path=/] saw[] OI 0"},
			{cookie: "S=B", want: "b 200 [S=B|DATE|DATE; path=/] saw[] VU 0"},
		}},
		{name: "R41 refused", haproxy: "insert indirect", config: persist.Config{Indirect: true}, servers: "abd", retries: 3, visits: []call{
			{cookie: "S=D", want: "a 200 [S=A; path=/] saw[] DI +3"},
			{cookie: "", want: "b 200 [S=B; path=/] saw[] NI 0"},
		}},
		{name: "refused, no redispatch", haproxy: "insert indirect", config: persist.Config{Indirect: true}, servers: "abd", retries: 1, firm: true, visits: []call{
			{cookie: "S=D", want: "d 503 [" + errorCache + "] saw[] SCVN 1"},
		}},
		{name: "R57 down, drained", haproxy: "insert indirect", config: persist.Config{Indirect: true}, servers: "abxz", retries: 3, visits: []call{
			{cookie: "S=X", want: "a 200 [S=A; path=/] saw[] DI 0"},
			{cookie: "S=Z", want: "z 200 [] saw[] VN 0"},
			{cookie: "", want: "b 200 [S=B; path=/] saw[] NI 0"},
			{cookie: "S=X; S=A", want: "a 200 [] saw[] VN 0"},
		}},
		{name: "R57 all down", haproxy: "insert indirect", config: persist.Config{Indirect: true}, servers: "x", retries: 3, visits: []call{
			{cookie: "S=X", want: "<NOSRV> 503 [" + errorCache + "] saw[] SCDN 0"},
			{cookie: "", want: "<NOSRV> 503 [" + errorCache + "] saw[] SCNN 0"},
		}},
	}
}

// errorCache is what both say in error pages.
const errorCache = "Cache-Control: no-cache"

// sellers are the servers of a shop: where each is, what it has seen, and which are down.
type sellers struct {
	at   map[byte]netip.AddrPort
	seen chan string
}

func (s *shop) letters() string {
	if s.servers == "" {
		return "ab"
	}
	return s.servers
}

func (s *shop) open(t *testing.T) sellers {
	t.Helper()
	v := sellers{at: map[byte]netip.AddrPort{}, seen: make(chan string, 1)}
	for _, letter := range []byte(s.letters()) {
		if letter == 'd' || letter == 'x' {
			v.at[letter] = proxytest.Nobody(t)
			continue
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			v.seen <- strings.Join(r.Header["Cookie"], "|")
			for i := 0; i < len(s.extra); i += 2 {
				w.Header()[s.extra[i]] = append(w.Header()[s.extra[i]], s.extra[i+1])
			}
		}))
		t.Cleanup(server.Close)
		v.at[letter] = server.Listener.Addr().(*net.TCPAddr).AddrPort()
	}
	return v
}

// named returns what a server is called in the cookie.
func named(letter byte) string {
	if letter < 'a' {
		return ""
	}
	return strings.ToUpper(string(letter))
}

// tandem runs the shop, and returns where, and what hears the lines of its log.
func (s *shop) tandem(t *testing.T, v sellers) (at string, heard func() string) {
	t.Helper()
	log, path := fileLog(t, accesslog.Config{Format: "%s %ST %tsc %rc"})
	c := logging(t, log, netip.AddrPort{})
	c.Frontends, c.Backends = c.Frontends[:1], c.Backends[:1]
	c.Frontends[0].Rules = nil
	b := &c.Backends[0]
	b.Timeouts.Server = patience // as the rival has it: a busy machine is not a silent server
	config := s.config
	config.Name = "S"
	b.Cookie, b.Retries, b.Redispatch, b.Servers = &proxy.Cookie{Config: config}, s.retries, !s.firm, nil
	if strings.Contains(s.letters(), "x") {
		b.Check = &health.Check{Interval: 10 * time.Millisecond, Timeout: patience, Rise: 1, Fall: 1}
	}
	for _, letter := range []byte(s.letters()) {
		weight := 1
		if letter == 'z' {
			weight = 0
		}
		b.Servers = append(b.Servers, proxy.Server{Name: string(letter), Address: v.at[letter], Weight: weight, Cookie: named(letter)})
	}
	p := run(t, c, proxy.Options{Drain: 1, Threads: 1})
	for i, letter := range []byte(s.letters()) {
		for end := time.Now().Add(patience); b.Check != nil && p.Snapshot().Backends[0].Servers[i].Status == hysteresis.Unknown; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("nothing is known of %c", letter)
			}
		}
	}
	n := 0
	return p.Snapshot().Frontends[0].Binds[0].Address.String(), func() string {
		n++
		if lines := linesOf(t, path, n); len(lines) >= n {
			return lines[n-1]
		}
		return ""
	}
}

// rival is the same of HAProxy.
func (s *shop) rival(t *testing.T, v sellers) (at string, heard func() string) {
	t.Helper()
	p := peers.NewBalancer(t, "haproxy")
	at, bind := p.Listens(t)
	udp, heard := syslogs(t, "udp", "127.0.0.1:0")
	text := fmt.Sprintf("global\n\tlog %s len 8192 local0\ndefaults\n\tmode http\n\tlog global\n\ttimeout connect %dms\n\ttimeout client 10s\n\ttimeout server 10s\n"+
		"frontend f\n\tbind %s\n\tlog-format '%%s %%ST %%tsc %%rc'\n\tdefault_backend b\nbackend b\n\tretries %d\n\tcookie S %s\n", udp, connectPatience.Milliseconds(), bind, s.retries, s.haproxy)
	if !s.firm {
		text += "\toption redispatch\n"
	}
	for _, letter := range []byte(s.letters()) {
		text += fmt.Sprintf("\tserver %c %s", letter, v.at[letter])
		if name := named(letter); name != "" {
			text += " cookie " + name
		}
		text += map[byte]string{'z': " weight 0", 'x': " disabled"}[letter] + "\n"
	}
	p.Run(t, text)
	return at, heard
}

var dates = regexp.MustCompile(`\|[A-Za-z0-9+/]{5}`)

// make makes a call, and returns what came of it.
func (c *call) make(t *testing.T, v sellers, at string, heard func() string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp4", at, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	request := "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
	if c.cookie != "" {
		request += "Cookie: " + strings.ReplaceAll(c.cookie, "\n", "\r\nCookie: ") + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body) // the head is what counts
	var told []string
	for _, value := range resp.Header["Set-Cookie"] {
		told = append(told, dates.ReplaceAllString(value, "|DATE"))
	}
	for _, value := range resp.Header["Cache-Control"] {
		told = append(told, "Cache-Control: "+value)
	}
	saw := ""
	select {
	case saw = <-v.seen:
	default:
	}
	words := strings.Fields(heard())
	if len(words) != 4 {
		t.Fatalf("logged %q", words)
	}
	return fmt.Sprintf("%s %s [%s] saw[%s] %s %s", words[0], words[1], strings.Join(told, "|"), saw, strings.TrimPrefix(words[2], "--"), words[3])
}

// What Tandem makes of cookies, letter by letter.
func TestR7_R51_R52_R53_R54_R55_R56_R57_Cookies(t *testing.T) {
	t.Parallel()
	for _, s := range shops() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			v := s.open(t)
			at, heard := s.tandem(t, v)
			for _, c := range s.visits {
				if got := c.make(t, v, at, heard); got != c.want {
					t.Errorf("%q:\n got %s\nwant %s", c.cookie, got, c.want)
				}
			}
		})
	}
}

// HAProxy makes the same of them, but for what the cases say and docs/compatibility.md has.
func TestIntegrationR51_R57_CookiesBesideHAProxy(t *testing.T) {
	t.Parallel()
	peers.NewBalancer(t, "haproxy") // or there is nothing to compare with
	text, err := os.ReadFile("../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.ToLower(strings.Join(strings.Fields(string(text)), " "))
	for _, s := range shops() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			v := s.open(t)
			at, heard := s.rival(t, v)
			for _, c := range s.visits {
				want := c.want
				if c.haproxy != "" {
					want = c.haproxy
				}
				if got := c.make(t, v, at, heard); got != want {
					t.Errorf("%q: HAProxy makes of it\n%s, the test takes it for\n%s", c.cookie, got, want)
				}
				if c.haproxy != "" && (c.why == "" || !strings.Contains(page, strings.ToLower(c.why))) {
					t.Errorf("%q: a difference that docs/compatibility.md does not have: %s", c.cookie, c.why)
				}
			}
		})
	}
}
