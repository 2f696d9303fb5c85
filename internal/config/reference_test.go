package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the golden tests get instead of comparing it")

// golden compares got with a file, or writes it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for len(gotLines) > 1 && len(wantLines) > 1 && gotLines[0] == wantLines[0] {
		gotLines, wantLines = gotLines[1:], wantLines[1:]
	}
	t.Errorf("%s is not what the code says now. The first difference:\n got %s\nwant %s\nWhere it is meant: go test ./internal/config -run '%s' -update", path, gotLines[0], wantLines[0], t.Name())
}

func TestReferenceIsCurrent(t *testing.T) {
	golden(t, filepath.Join("..", "..", "docs", "configuration.md"), Reference())
}
