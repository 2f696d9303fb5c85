package config

import (
	"flag"
	"os"
	"path/filepath"
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
	if got != string(want) {
		t.Errorf("%s is not what the code says now; look at the difference and run\n\tgo test ./internal/config -run %s -update\ngot:\n%s", path, t.Name(), got)
	}
}

func TestReferenceIsCurrent(t *testing.T) {
	golden(t, filepath.Join("..", "..", "docs", "configuration.md"), Reference())
}
