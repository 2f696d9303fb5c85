package looptest

// LimitPasses has a Step give up after so many passes, so that the test of that is short.
func (n *Net) LimitPasses(passes int) { n.passes = passes }
