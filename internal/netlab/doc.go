// Package netlab builds small networks inside the kernel: nodes (each a network, PID and mount namespace of its own)
// joined by LANs (bridges) with cables (veth pairs) that can be pulled, and one stream of everything that happens on
// them, which a test or the demo awaits instead of sleeping. It works as root and, in a user namespace, without.
//
//	func TestMain(m *testing.M) {
//		if code, done, err := netlab.Enter(); done { // nothing before it: nodes re-execute the program up to here
//			os.Exit(code)
//		} else if err != nil { … }
//		os.Exit(m.Run())
//	}
//
//	lab, err := netlab.New(netlab.Config{Private: []string{"/run"}})
//	defer lab.Close()
//	lan, err := lab.LAN("front")
//	lb1, err := lab.Node("lb1")
//	cable, err := lb1.Connect(ctx, lan, "eth0", netip.MustParsePrefix("10.77.0.1/24"))
//	daemon, err := lb1.Start(exec.Command("tandem", "run", "--config", file))
//	mark := lab.Mark()
//	err = cable.Pull(ctx)
//	event, err := lab.Await(ctx, mark, func(e netlab.Event) bool {
//		return e.Kind == netlab.AddressAdded && e.Node == "lb2"
//	})
//
// Nothing touches the network that the program itself lives in: the bridges stand in a namespace of their own (the
// switch), and each node is one. A node's namespaces are held open by its init, a copy of this program that does
// nothing but reap orphans until the lab closes or the program dies; then the kernel kills whatever still runs on
// the node, daemonised or not, and takes the network down.
//
// Events come from three sources, each read by one goroutine that Close joins: link and address notifications of
// each node, those of the switch, and one packet socket that sees every ARP packet and VRRP advert arriving at a
// port of the switch, with the kernel's time stamp and the node that sent it. A Lab is a resource like a listener:
// New opens it, Close ends it, and between them its methods may be called from any goroutine.
//
// Reading order:
//
//	enter_linux.go    Enter and Available: a user namespace where there is no root
//	lab.go            Config, Lab, LAN: what is built and how it ends
//	node.go           Node: sockets, addresses, Connect
//	cable.go          Cable: Pull, Mute, Restore
//	process_linux.go  Process: programs on a node; tail.go keeps the end of their output
//	event.go          Event and its kinds
//	stream.go         the ring of events, Mark and Await
//	watch_linux.go    notifications of the kernel into events
//	tap_linux.go      packets at the switch into events; frame.go parses them
//	switch_linux.go   bridge ports: state, lock, queue
//	thread_linux.go   running a function inside namespaces
//	init_linux.go     the init of a node, both sides of it
package netlab
