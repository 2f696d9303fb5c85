package balance

import "math/bits"

// marks is a set of numbers that finds the next one of them in a few steps: each level has a bit for each word of the level below that
// is not 0.
type marks [][]uint64

// newMarks returns an empty set of numbers below n.
func newMarks(n int) marks {
	var m marks
	for {
		n = (n + 63) / 64
		m = append(m, make([]uint64, n))
		if n <= 1 {
			return m
		}
	}
}

func (m marks) set(i int) {
	for level := range m {
		word := &m[level][i/64]
		was := *word
		*word |= 1 << (i % 64)
		if was != 0 {
			return
		}
		i /= 64
	}
}

func (m marks) clear(i int) {
	for level := range m {
		word := &m[level][i/64]
		*word &^= 1 << (i % 64)
		if *word != 0 {
			return
		}
		i /= 64
	}
}

// next returns the lowest number of the set from i on, -1 where there is none.
func (m marks) next(i int) int {
	level := 0
	for ; level < len(m); level++ { // up to where something lies ahead
		if i/64 >= len(m[level]) {
			return -1
		}
		if ahead := m[level][i/64] >> (i % 64); ahead != 0 {
			i += bits.TrailingZeros64(ahead)
			break
		}
		i = i/64 + 1
	}
	if level == len(m) {
		return -1
	}
	for ; level > 0; level-- { // and down to what it is
		i = i*64 + bits.TrailingZeros64(m[level-1][i])
	}
	return i
}
