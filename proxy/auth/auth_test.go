package auth

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func hash(t testing.TB, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

func credentials(name, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(name + ":" + password))
}

func TestUsers(t *testing.T) {
	t.Parallel()
	u, err := parse([]byte("# users\n\nann:" + hash(t, "se:cret") + "\r\nbob:" + strings.Replace(hash(t, "b"), "$2a$", "$2y$", 1) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what, credentials string
		want              bool
	}{
		{"right", credentials("ann", "se:cret"), true},
		{"as Apache writes them", credentials("bob", "b"), true},
		{"another's password", credentials("ann", "b"), false},
		{"no password", credentials("ann", ""), false},
		{"unknown", credentials("eve", "b"), false},
		{"unknown, the empty name", credentials("", ""), false},
		{"no colon", base64.StdEncoding.EncodeToString([]byte("ann")), false},
		{"no base64", "ann:secret", false},
		{"too long", credentials("ann", strings.Repeat("x", 73)), false},
		{"empty", "", false},
	} {
		if u.Known(tt.credentials) {
			t.Errorf("%s: known before it was verified", tt.what)
		}
		if got := u.Verify(tt.credentials); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.what, got, tt.want)
		}
		if got := u.Known(tt.credentials); got != tt.want {
			t.Errorf("%s: known %t, want %t", tt.what, got, tt.want)
		}
	}
}

// Who is not there takes as much work as who is.
func TestNobodyTakesAsLong(t *testing.T) {
	t.Parallel()
	u, err := parse([]byte("ann:" + hash(t, "a") + "\nbob:$2y$06$" + strings.Repeat("a", 53)))
	if err != nil {
		t.Fatal(err)
	}
	if cost, err := bcrypt.Cost(u.nobody); err != nil || cost != 6 {
		t.Errorf("got cost %d, %v; want 6, the highest that a user has", cost, err)
	}
}

func TestKnownIsBounded(t *testing.T) {
	t.Parallel()
	u := &Users{known: map[mark]struct{}{}}
	for i := range maxKnown + 100 {
		u.remember(mark{byte(i), byte(i >> 8)})
	}
	if len(u.known) != maxKnown {
		t.Errorf("%d are remembered, want %d", len(u.known), maxKnown)
	}
}

func TestFileRefuses(t *testing.T) {
	t.Parallel()
	h := hash(t, "a")
	for text, want := range map[string]string{
		"":                                    "no users",
		"ann":                                 "line 1: want user:hash",
		":" + h:                               "line 1: want user:hash",
		"ann:" + h + "\n\nann:" + h:           "line 3: user ann is there already",
		"ann:secret":                          "line 1: user ann has no bcrypt hash, want one as htpasswd -B makes it",
		"ann:$apr1$x$" + h[:40]:               "line 1: user ann has no bcrypt hash, want one as htpasswd -B makes it",
		"ann:" + h + "x":                      "line 1: user ann has no bcrypt hash, want one as htpasswd -B makes it",
		"a:$2y$15$" + strings.Repeat("a", 53): "line 1: the hash of user a has cost 15, want at most 14",
	} {
		if _, err := parse([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	name := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(name, []byte("ann:"+h), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(name); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(name); err == nil || !strings.HasPrefix(err.Error(), name+": open to every user (mode 0644): chmod ") {
		t.Errorf("got %v, want what to run", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("ann:$2a$04$" + strings.Repeat("a", 53))
	f.Add("# x\n\nann:b")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := parse([]byte(text))
		if (u == nil) == (err == nil) {
			t.Fatalf("got %v, %v", u, err)
		}
		if err == nil && len(u.hashes) == 0 {
			t.Error("nobody may come in, and nothing was said")
		}
	})
}
