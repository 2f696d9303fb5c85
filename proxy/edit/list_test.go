package edit

import (
	"slices"
	"strings"
	"testing"
)

func mustCompile(t testing.TB, edits ...Edit) *List {
	t.Helper()
	l, err := Compile(edits, Response)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// apply carries a list out on a head.
func apply(r Run, head ...string) (after []string) {
	for _, line := range head {
		name, value, _ := strings.Cut(line, ": ")
		if v, ok := r.Field([]byte(name), []byte(value)); ok {
			after = append(after, name+": "+string(v))
		}
	}
	r.Each(nil, facts{"status": " 200 ", "server": ""}, func(name string, value []byte) {
		after = append(after, name+": "+string(value))
	})
	return after
}

func TestR20_List(t *testing.T) {
	t.Parallel()
	head := []string{"A: 1", "b: 2", "a: 3"}
	for _, tt := range []struct {
		name  string
		edits []Edit
		want  []string
	}{
		{"set replaces all", []Edit{{Name: "a", Value: "x"}}, []string{"b: 2", "a: x"}},
		{"set what is not there", []Edit{{Name: "C", Value: "{status}"}}, []string{"A: 1", "b: 2", "a: 3", "C: 200"}},
		{"empty adds nothing", []Edit{{Name: "a", Value: "{server}"}}, []string{"b: 2"}},
		{"add", []Edit{{Op: Add, Name: "a", Value: "x"}, {Op: Add, Name: "a", Value: "y"}}, []string{"A: 1", "b: 2", "a: 3", "a: x", "a: y"}},
		{"remove", []Edit{{Op: Remove, Name: "A"}}, []string{"b: 2"}},
		{"replace", []Edit{{Op: Replace, Name: "a", Find: "([0-9])", With: "<$1>"}}, []string{"A: <1>", "b: 2", "a: <3>"}},
		{"replace leaves no blanks around", []Edit{{Op: Replace, Name: "b", Find: "[0-9]", With: "\t$0 "}}, []string{"A: 1", "b: 2", "a: 3"}},
		{"set after set", []Edit{{Name: "a", Value: "x"}, {Name: "A", Value: "y"}}, []string{"b: 2", "A: y"}},
		{"add after set", []Edit{{Name: "a", Value: "x"}, {Op: Add, Name: "a", Value: "y"}}, []string{"b: 2", "a: x", "a: y"}},
		{"set after add", []Edit{{Op: Add, Name: "a", Value: "y"}, {Name: "a", Value: "x"}}, []string{"b: 2", "a: x"}},
		{"remove after add", []Edit{{Op: Add, Name: "b", Value: "y"}, {Op: Remove, Name: "b"}}, []string{"A: 1", "a: 3"}},
		{"add after remove", []Edit{{Op: Remove, Name: "b"}, {Op: Add, Name: "b", Value: "y"}}, []string{"A: 1", "a: 3", "b: y"}},
		{"replace after set", []Edit{{Name: "b", Value: "xx"}, {Op: Replace, Name: "b", Find: "x", With: "y"}}, []string{"A: 1", "a: 3", "b: yy"}},
		{"replace before add", []Edit{{Op: Replace, Name: "b", Find: "x", With: "y"}, {Op: Add, Name: "b", Value: "x"}}, []string{"A: 1", "b: 2", "a: 3", "b: x"}},
		{"of servers alone", []Edit{{Name: "a", Value: "x"}, {Op: Remove, Name: "b", ServersOnly: true}}, []string{"a: x"}},
	} {
		got := apply(Run{List: mustCompile(t, tt.edits...), Secure: true}, head...)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestR20_OwnResponsesAndPlaintext(t *testing.T) {
	t.Parallel()
	l := mustCompile(t, Edit{Name: "A", Value: "x", ServersOnly: true}, Edit{Name: "Strict-Transport-Security", Value: "max-age=1"}, Edit{Name: "B", Value: "y"})
	for _, tt := range []struct {
		run  Run
		want []string
	}{
		{Run{List: l, Secure: true}, []string{"A: x", "Strict-Transport-Security: max-age=1", "B: y"}},
		{Run{List: l}, []string{"strict-transport-security: 0", "A: x", "B: y"}},
		{Run{List: l, Own: true, Secure: true}, []string{"a: 1", "Strict-Transport-Security: max-age=1", "B: y"}},
	} {
		if got := apply(tt.run, "a: 1", "strict-transport-security: 0"); !slices.Equal(got, tt.want) {
			t.Errorf("%+v: got %q, want %q", tt.run, got, tt.want)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	a, b := mustCompile(t, Edit{Name: "A", Value: "1"}), mustCompile(t, Edit{Op: Add, Name: "A", Value: "2"})
	if Join(nil, nil) != nil || Join(nil, a) != a {
		t.Error("nil lists are nothing")
	}
	if got := apply(Run{List: Join(a, nil, b)}); !slices.Equal(got, []string{"A: 1", "A: 2"}) {
		t.Errorf("got %q", got)
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		edit Edit
		want string
	}{
		{Edit{Name: "a b", Value: "x"}, `"a b" is no name of a header`},
		{Edit{Op: Remove, Name: ""}, `"" is no name of a header`},
		{Edit{Name: "HOST", Value: "x"}, "HOST is changed by rewrite"},
		{Edit{Op: Add, Name: "Transfer-Encoding", Value: "x"}, "Transfer-Encoding is the balancer's own"},
		{Edit{Op: Remove, Name: "content-length"}, "content-length is the balancer's own"},
		{Edit{Op: Replace, Name: "TE", Find: "x"}, "TE is the balancer's own"},
		{Edit{Name: "A", Value: "x\r\nB: y"}, "A: the value holds a control character"},
		{Edit{Name: "A", Value: "{x}"}, "A: no variable {x}, want one of " + strings.Join(words[1:], ", ") + ", or {{ for a brace"},
		{Edit{Op: Replace, Name: "A", Find: "("}, "A: error parsing regexp: missing closing ): `(`"},
		{Edit{Op: Replace, Name: "A", Find: "x", With: "\n"}, "A: the value holds a control character"},
	} {
		if _, err := Compile([]Edit{tt.edit}, Response); err == nil || err.Error() != tt.want {
			t.Errorf("%+v: got %v, want %s", tt.edit, err, tt.want)
		}
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	l := mustCompile(t, Edit{Op: Remove, Name: "Server"}, Edit{Name: "X-Frame-Options", Value: "SAMEORIGIN"}, Edit{Name: "X-Said", Value: "{status}"},
		Edit{Op: Replace, Name: "Location", Find: "^http:", With: "https:"})
	var known Facts = facts{"status": "200"}
	name, value, scratch, out := []byte("content-type"), []byte("text/plain"), make([]byte, 0, 64), make([]byte, 0, 256)
	n := testing.AllocsPerRun(100, func() {
		r, dst := Run{List: l, Secure: true}, out
		if _, ok := r.Field(name, value); !ok {
			t.Error("a field went that nobody asked for")
		}
		scratch = r.Each(scratch, known, func(name string, value []byte) { dst = append(append(dst, name...), value...) })
	})
	if n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// BenchmarkRun is what a head of ten fields costs.
func BenchmarkRun(b *testing.B) {
	var head [][2][]byte
	for _, line := range []string{
		"Server: app", "Date: Sat, 21 Nov 2026 10:00:00 GMT", "Content-Type: text/html; charset=utf-8", "Cache-Control: private", "ETag: \"a1b2\"",
		"X-Powered-By: app", "Set-Cookie: session=0123456789abcdef; Path=/", "Location: http://www.example.com/a", "Vary: Origin", "X-Request-Cost: 7",
	} {
		name, value, _ := strings.Cut(line, ": ")
		head = append(head, [2][]byte{[]byte(name), []byte(value)})
	}
	usual := []Edit{
		{Op: Remove, Name: "Server"}, {Op: Remove, Name: "X-Powered-By"}, {Name: "Strict-Transport-Security", Value: "max-age=31536000"},
		{Name: "X-Frame-Options", Value: "SAMEORIGIN"}, {Op: Add, Name: "X-Served-By", Value: "{server} {status}"},
	}
	for name, edits := range map[string][]Edit{"1": usual[:1], "5": usual, "5AndAnExpression": append(slices.Clone(usual), Edit{Op: Replace, Name: "Location", Find: "^http:", With: "https:"})} {
		b.Run(name, func(b *testing.B) {
			l := mustCompile(b, edits...)
			var known Facts = facts{"status": "200", "server": "web1"}
			scratch, out := make([]byte, 0, 64), make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				r, dst := Run{List: l, Secure: true}, out
				for i := range head {
					if value, ok := r.Field(head[i][0], head[i][1]); ok {
						dst = append(dst, value...)
					}
				}
				scratch = r.Each(scratch, known, func(_ string, value []byte) { dst = append(dst, value...) })
			}
		})
	}
}
