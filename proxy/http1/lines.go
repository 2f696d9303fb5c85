package http1

import "bytes"

// lines takes the lines of a head apart as they arrive.
type lines struct {
	at   uint32 // where the next line begins
	seen uint32 // from there to here is no LF
}

// next returns the next line without its CRLF. It reports false while the line's end has not arrived. A line that is longer
// than most is refused with tooLong, arrived or not.
func (l *lines) next(buf []byte, most int, tooLong Reason) (line Span, ok bool, why Reason) {
	i := bytes.IndexByte(buf[l.seen:], '\n')
	if i < 0 {
		l.seen = uint32(len(buf))
		if len(buf)-int(l.at) >= most {
			return Span{}, false, tooLong
		}
		return Span{}, false, 0
	}
	end := l.seen + uint32(i)
	if int(end-l.at) >= most {
		return Span{}, false, tooLong
	}
	if end == l.at || buf[end-1] != '\r' {
		return Span{}, false, BareLF
	}
	line = Span{l.at, end - 1}
	l.at, l.seen = end+1, end+1
	return line, true, 0
}
