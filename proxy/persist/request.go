package persist

// Hides reports whether servers get to see other cookies than those that came.
func (c *Cookie) Hides() bool {
	return c.config.Mode == Prefix || c.config.Mode == Insert && c.config.Indirect
}

// AppendAsked appends what servers get to see of a Cookie field. Where nothing is appended they do not get it at all. What holds no such
// cookie is as it came.
func (c *Cookie) AppendAsked(dst, field []byte) []byte {
	if !c.within(field) {
		return append(dst, field...)
	}
	start := len(dst)
	for len(field) > 0 {
		var pair []byte
		pair, field = cutPair(field)
		value, ours := valueOf(pair, c.config.Name)
		if ours && c.config.Mode == Insert || len(pair) == 0 {
			continue
		}
		if len(dst) > start {
			dst = append(dst, "; "...)
		}
		if ours {
			dst = append(append(append(dst, c.config.Name...), '='), behindName(value)...)
			continue
		}
		dst = append(dst, pair...)
	}
	return dst
}

func (c *Cookie) within(field []byte) bool {
	for len(field) > 0 {
		var pair []byte
		pair, field = cutPair(field)
		if _, ours := valueOf(pair, c.config.Name); ours {
			return true
		}
	}
	return false
}

// behindName returns the server's own value.
func behindName(value []byte) []byte {
	for i, b := range value {
		if b == '~' {
			return value[i+1:]
		}
	}
	return value
}
