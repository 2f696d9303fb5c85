package http2

import "golang.org/x/net/http2/hpack"

// tableSize is the SETTINGS_HEADER_TABLE_SIZE that holds as long as none is sent.
const tableSize = 4096

// Decoder reads the field blocks of a connection, one after another: every one of them, also those of streams that are
// refused, for each changes how the next is read (RFC 9113 section 4.3). It is to be made by [NewDecoder].
type Decoder struct {
	lim   *Limits
	head  *Head
	hpack *hpack.Decoder
}

// NewDecoder returns the decoder of a new connection. It allocates nothing itself later; hpack does for each string that
// comes as a literal.
func NewDecoder(lim *Limits) *Decoder {
	d := &Decoder{lim: lim}
	d.hpack = hpack.NewDecoder(tableSize, d.emit)
	return d
}

// Begin starts a field block, that is to be read into h.
func (d *Decoder) Begin(h *Head) {
	h.Reset()
	d.head = h
	d.hpack.SetEmitEnabled(true)
}

// Write takes in a fragment of the block. The error is a [Reason] for the connection to end, and the Decoder is not to be
// used any more.
func (d *Decoder) Write(fragment []byte) error {
	if _, err := d.hpack.Write(fragment); err != nil {
		return BadCompression // what hpack says more is of use to nobody but the peer's author
	}
	return nil
}

// End ends the block, with an error as Write's where it is not complete. What stands in it is judged by Head's methods.
func (d *Decoder) End() error {
	d.head = nil
	if err := d.hpack.Close(); err != nil {
		return BadCompression
	}
	return nil
}

// emit takes a field. After the first fault nothing is kept, and beyond the limits strings that are not for the table are not
// even decoded: a small block that names one large field of the table again and again costs no memory.
func (d *Decoder) emit(f hpack.HeaderField) {
	h := d.head
	h.size += len(f.Name) + len(f.Value) + 32 // RFC 9113 section 6.5.2
	if h.size > d.lim.Head || len(h.Fields) == d.lim.Fields {
		h.fault = HeadTooLarge
		d.hpack.SetEmitEnabled(false)
	}
	if h.fault == 0 {
		h.fault = h.add(f.Name, f.Value)
	}
}
