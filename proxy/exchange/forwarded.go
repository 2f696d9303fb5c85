package exchange

// Forwarded says which facts about the client a server is told.
type Forwarded struct {
	AppendFor  bool // X-Forwarded-For: the client's address joins what came in
	ReplaceFor bool // X-Forwarded-For: only the client's address
	Proto      bool // X-Forwarded-Proto
	RealIP     bool // X-Real-IP
}
