package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inputs returns the files of a folder of testdata.
func inputs(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in testdata/%s: %v", folder, err)
	}
	return files
}

// TestBadFiles holds every message to the letter: testdata/bad/NAME.want is the long form for NAME.yaml.
func TestBadFiles(t *testing.T) {
	for _, file := range inputs(t, "bad") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			cfg, problems := Parse(filepath.Base(file), text)
			if cfg != nil || problems.Err() == nil {
				t.Error("got a configuration, want none")
			}
			var long strings.Builder
			if _, err := problems.WriteTo(&long); err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".want", long.String())
		})
	}
}
