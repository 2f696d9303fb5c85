package doctor

import (
	"strings"
	"testing"
)

func someFindings() []Finding {
	return []Finding{
		{Check: "clock", Level: OK, Saw: "all is well"},
		{Check: "firewall", Subject: "eth0", Level: Problem, Saw: "dropped", Why: "both become MASTER", Do: []string{"a > b && c", "or d"}},
		{Check: "vrid", Subject: "eth0", Level: Warning, Saw: "equal", Why: "hardly meant", Do: []string{"e"}},
	}
}

func TestWriteText(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := WriteText(&b, someFindings()); err != nil {
		t.Fatal(err)
	}
	want := `ok       host  clock     all is well
problem  eth0  firewall  dropped
         why: both become MASTER
         do:  a > b && c
         do:  or d
warning  eth0  vrid      equal
         why: hardly meant
         do:  e
1 problem, 1 warning
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWriteJSON(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := WriteJSON(&b, someFindings()[:2]); err != nil {
		t.Fatal(err)
	}
	want := `{
  "problems": 1,
  "warnings": 0,
  "findings": [
    {
      "check": "clock",
      "level": "ok",
      "saw": "all is well"
    },
    {
      "check": "firewall",
      "subject": "eth0",
      "level": "problem",
      "saw": "dropped",
      "why": "both become MASTER",
      "do": [
        "a > b && c",
        "or d"
      ]
    }
  ]
}
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJoined(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"":                                  nil,
		"a":                                 {"a"},
		"a and b":                           {"a", "b"},
		"a, b and c":                        {"a", "b", "c"},
		"1, 2, 3, 4, 5, 6, 7, 8 and 2 more": {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"},
	}
	for want, words := range tests {
		if got := joined(words); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
