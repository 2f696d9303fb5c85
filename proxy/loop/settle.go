package loop

// Settler is a Handler that does at the end of a pass what need not be done at once: frames of many streams leave together
// then.
type Settler interface {
	Handler
	// Settle is called once at the end of a pass in which Loop.Settle asked for it.
	Settle(l *Loop, s Ref)
}

// settling says whether a Handler's Settle is asked for.
type settling uint8

const (
	notAsked settling = iota
	asked
	settled      // called at the end of this pass
	settledAsked // called, and asked for since
)

// Settle has the Settle of a socket's Handler called at the end of this pass, once, however often it is asked for. What is asked for
// in the course of that is called too, but nobody twice in a pass: the second time is in the next one. A Handler that is no Settler
// is left alone.
func (l *Loop) Settle(r Ref) {
	s := l.sockets.find(r)
	switch {
	case s == nil:
	case s.settle == notAsked:
		s.settle = asked
		l.settle = append(l.settle, r)
	case s.settle == settled:
		s.settle = settledAsked
	}
}

// settleAll calls who is to settle.
func (l *Loop) settleAll() {
	for i := 0; i < len(l.settle); i++ { // which grows meanwhile
		r := l.settle[i]
		s := l.sockets.find(r)
		if s == nil {
			continue
		}
		s.settle = settled
		if h, ok := s.handler.(Settler); ok {
			h.Settle(l, r)
			l.called()
		}
	}
	next := l.settle[:0]
	for _, r := range l.settle {
		s := l.sockets.find(r)
		switch {
		case s == nil:
		case s.settle == settledAsked:
			s.settle = asked
			next = append(next, r)
		default:
			s.settle = notAsked
		}
	}
	l.settle = next
}
