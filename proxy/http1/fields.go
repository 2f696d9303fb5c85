package http1

// section is a number of field lines and the empty line that ends them.
type section struct {
	Fields []Field // in the order in which they came

	lines lines
}

// reset forgets all but the memory.
func (s *section) reset() { *s = section{Fields: s.Fields[:0]} }

// parse takes in the field lines that have arrived and reports whether the empty line was among them.
func (s *section) parse(buf []byte, lim *Limits) (done bool, why Reason) {
	for {
		line, ok, why := s.lines.next(buf, lim.FieldLine, LineTooLong)
		if why != 0 {
			return false, why
		}
		if s.over(buf, lim) {
			return false, HeadTooLarge
		}
		if !ok {
			return false, 0
		}
		if line.Len() == 0 {
			return true, 0
		}
		f, why := fieldOf(buf, line)
		if why != 0 {
			return false, why
		}
		s.Fields = append(s.Fields, f)
	}
}

// length is what a Parse answers: the length of what is complete, 0 while it is not, or why it is refused.
func (s *section) length(done bool, why Reason) (n int, err error) {
	switch {
	case why != 0:
		return 0, why
	case done:
		return int(s.lines.at), nil
	}
	return 0, nil
}

// over says whether what has arrived is beyond the limits; of a message that is complete only the head counts.
func (s *section) over(buf []byte, lim *Limits) bool {
	return int(max(s.lines.at, s.lines.seen)) > lim.Head || len(s.Fields) > lim.Fields
}

// fieldOf reads "field-name ":" OWS field-value OWS" (RFC 9112 section 5). "No whitespace is allowed between the field name
// and colon" (section 5.1), and folding is refused (section 5.2).
func fieldOf(buf []byte, line Span) (f Field, why Reason) {
	b := line.In(buf)
	if isBlank(b[0]) {
		return f, Folded
	}
	n := 0
	for n < len(b) && lower[b[n]] != 0 {
		n++
	}
	if n == 0 || n == len(b) || b[n] != ':' {
		return f, BadName
	}
	colon := line.At + uint32(n)
	f.Name = Span{line.At, colon}
	f.Value = trim(buf, Span{colon + 1, line.End})
	if !IsText(f.Value.In(buf)) {
		return f, BadValue
	}
	f.ID = NameOf(b[:n])
	f.Hop = f.ID.Hop()
	return f, 0
}
