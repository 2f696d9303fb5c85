package accesslog

// quotedLength is how much of the fields that the Combined Log Format has is logged.
const quotedLength = 1024

// appendCommon writes the Common Log Format, as Apache and nginx do by default.
func (f *Format) appendCommon(dst []byte, l *line) []byte {
	dst = append(appendClient(dst, l.d.Client.Addr()), " - - ["...)
	dst = append(l.begin.AppendFormat(dst, zoneLayout), `] "`...)
	dst = append(appendRequest(dst, l), `" `...)
	dst = append(orDash(dst, int64(l.r.Status)), ' ')
	return orDash(dst, l.r.BytesOut)
}

// appendCombined writes the Combined Log Format: the common one, and two fields of the request.
func (f *Format) appendCombined(dst []byte, l *line) []byte {
	dst = f.appendCommon(dst, l)
	for i := f.shown; i < len(f.request); i++ {
		value := l.d.Request.At(i)
		if dst = append(dst, ` "`...); len(value) == 0 {
			dst = append(dst, '-')
		}
		dst = append(appendQuoted(dst, value), '"')
	}
	return dst
}

// appendRequest writes the request line.
func appendRequest(dst []byte, l *line) []byte {
	if !l.known() {
		return append(dst, '-')
	}
	dst = append(appendQuoted(dst, l.d.Method), ' ')
	dst = append(appendQuoted(dst, l.d.Target), ' ')
	return append(dst, l.d.Protocol...)
}

// orDash writes a number, or a dash for 0.
func orDash(dst []byte, n int64) []byte {
	if n == 0 {
		return append(dst, '-')
	}
	return appendInt(dst, n)
}
