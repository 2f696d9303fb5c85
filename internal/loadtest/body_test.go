package loadtest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBodyIsVerifiedToTheOctet(t *testing.T) {
	b := body{seed: 7, size: 40_000}
	whole, err := io.ReadAll(b.reader())
	if err != nil || len(whole) != 40_000 {
		t.Fatalf("%d octets, %v", len(whole), err)
	}
	changed := bytes.Clone(whole)
	changed[20_000] ^= 0x80
	for _, c := range []struct {
		name  string
		r     io.Reader
		right int64
		want  string // how the error begins; "": none
		lost  bool
	}{
		{name: "whole", r: bytes.NewReader(whole), right: 40_000},
		{name: "octet by octet", r: iotest.OneByteReader(bytes.NewReader(whole)), right: 40_000},
		{name: "with the last octets at once", r: iotest.DataErrReader(bytes.NewReader(whole)), right: 40_000},
		{name: "changed", r: bytes.NewReader(changed), right: 20_000, want: "octet 20000 of a body of 40000 is "},
		{name: "too long", r: io.MultiReader(bytes.NewReader(whole), strings.NewReader("x")), right: 40_000, want: "a body of 40000 octets goes on"},
		{name: "another's", r: body{seed: 8, size: 40_000}.reader(), right: 0, want: "octet 0 of a body of 40000 is "},
		{name: "short and clean", r: bytes.NewReader(whole[:39_999]), right: 39_999, want: "body of 40000 octets: it ended as if it were whole after 39999"},
		{
			name: "broken", r: io.MultiReader(bytes.NewReader(whole[:5]), iotest.ErrReader(io.ErrUnexpectedEOF)), right: 5,
			want: "body of 40000 octets broke off after 5: unexpected EOF", lost: true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			right, err := b.verify(c.r)
			if right != c.right {
				t.Errorf("%d octets are right, want %d", right, c.right)
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if errors.As(err, new(lost)) != c.lost {
				t.Errorf("%v is a lost connection: %v, want %v", err, !c.lost, c.lost)
			}
		})
	}
}
