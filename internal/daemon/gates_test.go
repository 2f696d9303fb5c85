package daemon

import "testing"

func TestGateClosesWithItsLastHolder(t *testing.T) {
	w := newWorld()
	both := web("", "10.0.0.100/24").VIP.Addresses
	w.gates.open("VI_1", both)
	w.gates.open("VI_2", both)
	w.want(t, "gate 10.0.0.100 open", "gate 10.0.0.100 open")

	w.gates.close("VI_1", both)
	w.gates.hangUp(both)
	w.want(t) // VI_2 serves

	w.gates.close("VI_1", both) // it has nothing any more
	w.want(t)

	w.gates.close("VI_2", both)
	w.gates.hangUp(both)
	w.want(t, "gate 10.0.0.100 closed", "end connections on 10.0.0.100")
}
