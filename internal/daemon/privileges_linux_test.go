package daemon

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestR1_RestrictKeepsWhatTheDaemonUses(t *testing.T) {
	all := capabilitySets{{Effective: ^uint32(0), Permitted: ^uint32(0), Inheritable: ^uint32(0)}, {Effective: 3, Permitted: 3, Inheritable: 3}}
	if !all.restrict(capabilities()) {
		t.Error("nothing changed")
	}
	const keeps = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_NET_BIND_SERVICE
	want := capabilitySets{{Effective: keeps, Permitted: keeps, Inheritable: keeps}}
	if all != want {
		t.Errorf("got %+v, want %+v", all, want)
	}
	if all.restrict(capabilities()) {
		t.Error("the second time something changed")
	}
	// What may still be inherited may still be gained (capabilities(7)).
	inheritable := capabilitySets{{Inheritable: 1 << unix.CAP_SETUID}}
	if !inheritable.restrict(capabilities()) || inheritable != (capabilitySets{}) {
		t.Errorf("got %+v, want none", inheritable)
	}
}

func TestMissingPrivileges(t *testing.T) {
	has := func(caps ...uint) (s capabilitySets) {
		for _, c := range caps {
			s[c/32].Effective |= 1 << (c % 32)
		}
		return s
	}
	for _, tt := range []struct {
		name string
		sets capabilitySets
		want string
	}{
		{"root", has(unix.CAP_NET_ADMIN, unix.CAP_NET_RAW), ""},
		{"an ordinary user", has(), "virtual addresses need CAP_NET_ADMIN (to add addresses) and CAP_NET_RAW (to send adverts and ARP): run it as root, or by its systemd unit"},
		{"half", has(unix.CAP_NET_ADMIN), "virtual addresses need CAP_NET_RAW (to send adverts and ARP): run it as root, or by its systemd unit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := tt.sets.missing(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
