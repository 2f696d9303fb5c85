package edit

import (
	"strings"
	"testing"
)

// facts knows each variable as its name in brackets, and some as what the test says.
type facts map[string]string

func (f facts) AppendFact(dst []byte, v Variable, name string) []byte {
	key := words[v]
	if name != "" {
		key += ":" + name
	}
	if value, ok := f[key]; ok {
		return append(dst, value...)
	}
	return append(append(append(dst, '<'), key...), '>')
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	known := facts{"host": "a.example", "header:x-in": "a\r\nX-Evil: 1", "cookie:C": "\x00\x7f\té", "query": ""}
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"plain text", "plain text"},
		{"{host}", "a.example"},
		{"https://{host}{path}?{query}", "https://a.example<path>?"},
		{"{{host}", "{host}"},
		{`{{"a":{{"b":"{host}"}}`, `{"a":{"b":"a.example"}}`},
		{"}", "}"},
		{"{header:X-In}", "a%0D%0AX-Evil: 1"},
		{"{cookie:C}", "%00%7F\té"},
		{"{cookie:c}", "<cookie:c>"},
	} {
		template, err := Parse(tt.text, Request)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if got := string(template.Append([]byte("-"), known)); got != "-"+tt.want {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestTemplateRefuses(t *testing.T) {
	t.Parallel()
	all := "client_ip, client_port, scheme, host, authority, method, path, query, request_id, tls_version, sni, header, cookie, frontend, backend, server, status, map"
	for _, tt := range []struct {
		text string
		at   Stage
		want string
	}{
		{"a {", Request, "a { that no } follows, want {{ for a brace"},
		{"{}", Request, "no variable {}, want one of " + all + ", or {{ for a brace"},
		{"{hots}", Request, "no variable {hots}, want one of " + all + ", or {{ for a brace"},
		{"{header}", Request, "{header}: want {header:NAME}"},
		{"{host:a}", Request, "{host:a}: want {host}"},
		{"{header:a b}", Request, `{header:a b}: "a b" is no name`},
		{"{cookie:}", Request, `{cookie:}: "" is no name`},
		{"{server}", Request, "{server} is known of responses only"},
		{"{status}", Request, "{status} is known of responses only"},
		{"{header:a}", Response, "{header:a} is known of requests only"},
	} {
		if _, err := Parse(tt.text, tt.at); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.text, err, tt.want)
		}
	}
}

// FuzzTemplate holds templates to what no value of a header may hold, whatever variables stand for.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"", "{host}", "{{", "{header:a}{cookie:b}", "a{path}b", "{", "}{"} {
		f.Add(text, "x\r\n")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		template, err := Parse(text, Request)
		if err != nil {
			return
		}
		got := template.Append(nil, facts{"host": value, "path": value, "header:a": value, "cookie:b": value, "query": value})
		if hasControl(got) && !hasControl([]byte(text)) {
			t.Errorf("%q with %q: %q holds a control character", text, value, got)
		}
		if constant, ok := template.Constant(); ok && constant != strings.ReplaceAll(text, "{{", "{") {
			t.Errorf("%q: got %q, which is another text", text, constant)
		}
	})
}
