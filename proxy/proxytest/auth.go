package proxytest

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/tandem-lb/tandem/proxy/rule"
)

// logsIn lets those in who say who they are, and nobody else.
func logsIn(t *testing.T, start Start) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, append([]byte("ann:"), hash...), 0o600); err != nil {
		t.Fatal(err)
	}
	app := serve(t, "app1", func(c *call) {
		body := c.body()
		c.write("HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(body)+2) + "\r\n\r\nok" + body)
	})
	c := site(app)
	c.Frontends[0].Rules = []rule.Rule{{
		Match: rule.Match{PathPrefix: "/admin/"}, Backend: "app", Auth: &rule.Auth{File: file, Realm: "Administration"},
		Rewrite: &rule.Rewrite{StripPrefix: "/admin"},
	}}
	at := web(t, start(t, c))
	basic := func(pair string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) + "\r\n"
	}
	for _, tt := range []struct {
		name, fields string
		status       int
	}{
		{"without a word", "", 401},
		{"another scheme", "Authorization: Bearer x\r\n", 401},
		{"wrong password", basic("ann:wrong"), 401},
		{"unknown user", basic("eve:secret"), 401},
		{"twice", basic("ann:secret") + basic("ann:secret"), 401},
		{"no base64", "Authorization: Basic ann:secret\r\n", 401},
		{"right", basic("ann:secret"), 200},
		{"right and known", basic("ann:secret"), 200},
	} {
		before := app.calls()
		client := dial(t, at)
		for range 2 { // the connection goes on
			client.send("GET /admin/x HTTP/1.1\r\nHost: a\r\n" + tt.fields + "\r\n")
			r := client.receive("GET")
			want := []string{`Basic realm="Administration", charset="UTF-8"`}
			if tt.status != 401 {
				want = nil
			}
			if r.status != tt.status || !slices.Equal(fields(r.head, "WWW-Authenticate"), want) {
				t.Errorf("%s: got %q, want %d with the challenge %q", tt.name, r.head, tt.status, want)
			}
		}
		if got := app.calls() != before; got != (tt.status == 200) {
			t.Errorf("%s: the server was asked: %t", tt.name, got)
		}
	}
	r := ask(t, at, "POST /admin/y HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"+basic("ann:secret")+"\r\nbody")
	wantBody(t, r, "okbody")
	wantBody(t, get(t, at, "/admin"), "ok") // the rule is for what is below it
}
