package h2spectest

import (
	"slices"
	"testing"
)

// Whatever did not pass is told.
func TestRead(t *testing.T) {
	const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites><testsuite name="a">
<testcase package="http2/5.1" classname="passes" time="0.1"></testcase>
<testcase package="http2/6.3" classname="fails" time="0.1"><failure>Expect: x</failure></testcase>
<testcase package="http2/6.4" classname="errs" time="0.1"><error>
Actual: y</error></testcase></testsuite>
<testsuite name="b"><testcase package="hpack/2" classname="is left out" time="0.1"><skipped></skipped></testcase></testsuite></testsuites>`
	cases, failures, err := read([]byte(report))
	want := []string{"http2/6.3: fails: Expect: x", "http2/6.4: errs: Actual: y", "hpack/2: is left out: skipped"}
	if cases != 4 || !slices.Equal(failures, want) || err != nil {
		t.Errorf("got %d, %q, %v, want 4, %q", cases, failures, err, want)
	}
	if _, _, err := read([]byte("none")); err == nil {
		t.Error("what is no report was read")
	}
}
