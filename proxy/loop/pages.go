package loop

// pageLen is how many rows a page has: with sockets some 10 KB, so that a Loop with little to do holds little.
const pageLen = 256

// pages is a table that grows without moving what it holds. To move a large one would hold up the Loop for a moment, and leave
// twice its memory behind.
type pages[T any] struct {
	all []*[pageLen]T
	n   uint32
}

func (p *pages[T]) at(i uint32) *T { return &p.all[i/pageLen][i%pageLen] }

// len is how many rows there are.
func (p *pages[T]) len() uint32 { return p.n }

// add returns the index of a new row, which is zero.
func (p *pages[T]) add() uint32 {
	if p.n%pageLen == 0 {
		p.all = append(p.all, new([pageLen]T))
	}
	p.n++
	return p.n - 1
}
