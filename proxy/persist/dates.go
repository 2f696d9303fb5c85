package persist

// A date is the time in units of 4 s since 1970, rounded up, in 30 bits and five digits, the highest first: HAProxy's own.
const (
	digits     = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	dateLength = 5
)

// dayAhead is how far in the future a date may be because clocks differ. What is beyond is made up.
const dayAhead = 24 * 60 * 60

func appendDate(dst []byte, seconds int64) []byte {
	n := uint64(seconds+3) >> 2
	for shift := 6 * (dateLength - 1); shift >= 0; shift -= 6 {
		dst = append(dst, digits[n>>shift&63])
	}
	return dst
}

// dateOf returns the seconds that a text stands for; 0: it is no date.
func dateOf(text string) int64 {
	if len(text) != dateLength {
		return 0
	}
	var n int64
	for i := range dateLength {
		d := digitOf(text[i])
		if d < 0 {
			return 0
		}
		n = n<<6 | d
	}
	return n << 2
}

func digitOf(c byte) int64 {
	switch {
	case 'A' <= c && c <= 'Z':
		return int64(c - 'A')
	case 'a' <= c && c <= 'z':
		return int64(c-'a') + 26
	case '0' <= c && c <= '9':
		return int64(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}

// over reports whether a date is more than most seconds ago, or made up. 0 is none and for ever.
func over(now, date, most int64) bool {
	return date != 0 && most != 0 && (now-date > most || date-now > dayAhead)
}
