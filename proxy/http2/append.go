package http2

import "encoding/binary"

// AppendFrameHeader appends the header of a frame of length octets, at most 2^24-1, that its owner appends or sends next.
func AppendFrameHeader(dst []byte, length int, t Type, flags Flags, stream uint32) []byte {
	dst = append(dst, byte(length>>16), byte(length>>8), byte(length), byte(t), byte(flags))
	return binary.BigEndian.AppendUint32(dst, stream)
}

// AppendHeaders appends a field block as HEADERS and as many CONTINUATION as frames of at most maxFrame octets need. Nothing
// may be sent between them.
func AppendHeaders(dst []byte, stream uint32, block []byte, end bool, maxFrame int) []byte {
	t, flags := Headers, Flags(0)
	if end {
		flags = EndStream
	}
	for len(block) > maxFrame {
		dst = append(AppendFrameHeader(dst, maxFrame, t, flags, stream), block[:maxFrame]...)
		block, t, flags = block[maxFrame:], Continuation, 0
	}
	dst = AppendFrameHeader(dst, len(block), t, flags|EndHeaders, stream)
	return append(dst, block...)
}

// AppendDataHeader appends the header of a DATA frame; its length octets follow.
func AppendDataHeader(dst []byte, stream uint32, length int, end bool) []byte {
	flags := Flags(0)
	if end {
		flags = EndStream
	}
	return AppendFrameHeader(dst, length, Data, flags, stream)
}

// AppendData appends data in frames of at most maxFrame octets; the last one ends the stream where end is set.
func AppendData(dst []byte, stream uint32, data []byte, end bool, maxFrame int) []byte {
	for len(data) > maxFrame {
		dst = append(AppendDataHeader(dst, stream, maxFrame, false), data[:maxFrame]...)
		data = data[maxFrame:]
	}
	return append(AppendDataHeader(dst, stream, len(data), end), data...)
}

// AppendRSTStream appends RST_STREAM.
func AppendRSTStream(dst []byte, stream uint32, code Code) []byte {
	dst = AppendFrameHeader(dst, 4, RSTStream, 0, stream)
	return binary.BigEndian.AppendUint32(dst, uint32(code))
}

// AppendSettings appends SETTINGS.
func AppendSettings(dst []byte, settings ...Setting) []byte {
	dst = AppendFrameHeader(dst, settingLen*len(settings), SettingsType, 0, 0)
	for _, s := range settings {
		dst = binary.BigEndian.AppendUint16(dst, uint16(s.ID))
		dst = binary.BigEndian.AppendUint32(dst, s.Value)
	}
	return dst
}

// AppendSettingsAck appends the acknowledgement of SETTINGS.
func AppendSettingsAck(dst []byte) []byte { return AppendFrameHeader(dst, 0, SettingsType, Ack, 0) }

// AppendPing appends a PING with eight octets of one's own.
func AppendPing(dst []byte, data [8]byte) []byte {
	return append(AppendFrameHeader(dst, 8, Ping, 0, 0), data[:]...)
}

// AppendPingAck appends the answer to a PING of that payload, eight octets.
func AppendPingAck(dst, payload []byte) []byte {
	return append(AppendFrameHeader(dst, len(payload), Ping, Ack, 0), payload...)
}

// AppendGoAway appends GOAWAY. debug may be empty: it is seen by the peer.
func AppendGoAway(dst []byte, last uint32, code Code, debug string) []byte {
	dst = AppendFrameHeader(dst, 8+len(debug), GoAway, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, last)
	dst = binary.BigEndian.AppendUint32(dst, uint32(code))
	return append(dst, debug...)
}

// AppendWindowUpdate appends WINDOW_UPDATE by 1 to 2^31-1 octets; stream 0 is the connection.
func AppendWindowUpdate(dst []byte, stream, increment uint32) []byte {
	dst = AppendFrameHeader(dst, 4, WindowUpdate, 0, stream)
	return binary.BigEndian.AppendUint32(dst, increment)
}
