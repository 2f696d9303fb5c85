package accesslog

import (
	"testing"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// Captured cookies stand as they came, but for what could be taken for something else.
func TestCookies(t *testing.T) {
	t.Parallel()
	r := with(served(), func(_ *exchange.Record, d *exchange.Details) {
		d.RequestCookie = []byte("SID=\"a b\"#{\x80\n")
	})
	for _, tt := range []struct{ format, want string }{
		{"%CC %CS", `SID="a#20b"#{#80#0A -`},
		{"%{+Q}CC %{+Q}CS", `"SID=#22a#20b#22#{#80#0A" ""`},
	} {
		f, err := Parse(tt.format, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(f.appendLine(nil, r, moment, &line{})); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.format, got, tt.want)
		}
	}
}
