package resolve

import (
	"errors"
	"testing"

	"github.com/miekg/dns"
)

// FuzzRead: no message does more than be refused, or answer what was asked.
func FuzzRead(f *testing.F) {
	q := question{"app.test.", dns.TypeA}
	add := func(change func(m *dns.Msg), records ...string) {
		m := (&dns.Msg{}).SetReply(q.message(7, true))
		m.RecursionAvailable = true
		for _, text := range records {
			rr, err := dns.NewRR(text)
			if err != nil {
				f.Fatal(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		if change != nil {
			change(m)
		}
		packet, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
		f.Add(packet[:len(packet)-3])
	}
	add(nil, "app.test. 60 IN A 192.0.2.1", "app.test. 60 IN A 192.0.2.2")
	add(nil, "app.test. 60 IN CNAME www.test.", "www.test. 60 IN AAAA 2001:db8::1")
	add(nil, "app.test. 60 IN CNAME app.test.")
	add(nil, "app.test. 60 IN SRV 1 2 3 www.test.")
	add(func(m *dns.Msg) { m.Rcode = dns.RcodeNameError })
	add(func(m *dns.Msg) { m.Truncated = true })
	add(func(m *dns.Msg) { m.Rcode, m.Question = dns.RcodeFormatError, nil })
	f.Fuzz(func(t *testing.T, packet []byte) {
		for _, q := range []question{q, {"app.test.", dns.TypeAAAA}, {"app.test.", dns.TypeSRV}} {
			r, err := q.read(packet, 7)
			if err != nil {
				if len(r.addrs)+len(r.services) > 0 {
					t.Errorf("%v, and yet %v", err, r)
				}
				continue
			}
			if len(r.addrs)+len(r.services) == 0 && r.alias == "" || r.ttl < 0 {
				t.Errorf("an answer without anything: %+v", r)
			}
			for _, a := range r.addrs {
				if !a.IsValid() || a.Is4() != (q.kind == dns.TypeA) || a.Is4In6() {
					t.Errorf("%v for a question of kind %d", a, q.kind)
				}
			}
			if len(r.services) > 0 && q.kind != dns.TypeSRV {
				t.Errorf("%v for a question of kind %d", r.services, q.kind)
			}
		}
	})
}

// A message that is too short for a header says nothing, whatever its ID is.
func TestShortMessage(t *testing.T) {
	for n := range 12 {
		if _, err := (question{"app.test.", dns.TypeA}).read(make([]byte, n), 0); !errors.Is(err, errStray) {
			t.Errorf("%d octets: got %v", n, err)
		}
	}
}
