package upstream

import "time"

// Why a server is held back though its checks have found nothing against it; bits.
const (
	doubted uint32 = 1 << iota // somebody waits for it in vain, and the probe that tells more is under way
	ejected                    // it fails requests
)

// Watcher is told what requests have found out about a server. It is called by who carries them out: it must not block.
type Watcher interface {
	// Doubted says that the server may hang, and by what it shows. It is held back until Trust is called, or it is down.
	Doubted(s *Server, why string)
	// Ejected says that it fails too much, and Reinstated that it does not any more: Ejection tells the rest.
	Ejected(s *Server, why string)
	Reinstated(s *Server)
}

// Watch says who is told. It is to be called before anybody else has the server; without it nobody is.
func (s *Server) Watch(w Watcher) { s.watcher = w }

// held reports whether it should get nothing while others can.
func (s *Server) held() bool { return s.holds.Load() != 0 }

// hold holds the server back, and reports whether it was not for that reason.
func (s *Server) hold(why uint32) bool {
	if s.holds.Or(why)&why != 0 {
		return false
	}
	s.tellChanged()
	return true
}

// lift is the end of hold.
func (s *Server) lift(why uint32) bool {
	if s.holds.And(^why)&why == 0 {
		return false
	}
	s.tellChanged()
	return true
}

// Patience is how long a connection to the server may take to come about, and what is sent on one to be acknowledged, before that is odd;
// 0: that is not known, or nobody asks.
func (s *Server) Patience() time.Duration { return time.Duration(s.patience.Load()) }

// SetPatience replaces it.
func (s *Server) SetPatience(d time.Duration) {
	if s.Patience() != d {
		s.patience.Store(int64(d))
	}
}

// Unheard is why a server is in doubt that takes longer than Patience.
const Unheard = "it does not acknowledge what is sent to it"

// Doubt notes why the server may hang.
func (s *Server) Doubt(why string) {
	if s.hold(doubted) && s.watcher != nil {
		s.watcher.Doubted(s, why)
	}
}

// Doubted reports whether it was, and not trusted since.
func (s *Server) Doubted() bool { return s.holds.Load()&doubted != 0 }

// Trust ends what Doubt began, and reports whether there was any.
func (s *Server) Trust() bool { return s.lift(doubted) }
