package proxy

import "testing"

func TestConnectionsFitTheDescriptors(t *testing.T) {
	for _, tt := range []struct {
		want  int
		files uint64
		fit   int
	}{
		{0, 1024, 0}, {50000, 102400, 50000}, {50000, 100000, 49488}, {50000, 1 << 50, 50000},
		{50000, 20000, 9488}, {50000, 1024, 256}, {100, 1024, 100}, {50000, 2, 1},
	} {
		if got := fits(tt.want, tt.files); got != tt.fit {
			t.Errorf("%d clients with %d descriptors: got %d, want %d", tt.want, tt.files, got, tt.fit)
		}
	}
}
