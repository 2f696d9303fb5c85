package accesslog

import "time"

// The layouts of times. Milliseconds are written apart from them.
const (
	dateLayout = "02/Jan/2006:15:04:05"
	zoneLayout = dateLayout + " -0700"
	jsonLayout = "2006-01-02T15:04:05.000Z07:00"
)

// stamps writes times, and remembers the last second: requests come in the order of time, by the thousand in each.
type stamps struct {
	second int64
	date   []byte // of that second; nil: there was none
}

// appendDate writes a time in its zone as dateLayout says.
func (s *stamps) appendDate(dst []byte, t time.Time) []byte {
	if sec := t.Unix(); s.date == nil || sec != s.second {
		s.second = sec
		s.date = t.AppendFormat(s.date[:0], dateLayout)
	}
	return append(dst, s.date...)
}

// appendMillis writes the milliseconds of a time's second in three digits.
func appendMillis(dst []byte, t time.Time) []byte {
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(dst, '0'+byte(ms/100), '0'+byte(ms/10%10), '0'+byte(ms%10))
}
