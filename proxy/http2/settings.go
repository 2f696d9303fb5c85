package http2

import "encoding/binary"

// SettingID names a setting (RFC 9113 section 6.5.2).
type SettingID uint16

// The settings.
const (
	HeaderTableSize      SettingID = 0x1
	EnablePush           SettingID = 0x2
	MaxConcurrentStreams SettingID = 0x3
	InitialWindowSize    SettingID = 0x4
	MaxFrameSize         SettingID = 0x5
	MaxHeaderListSize    SettingID = 0x6
)

const (
	settingLen   = 6
	minFrameSize = 1 << 14
	maxFrameSize = 1<<24 - 1
	maxWindow    = 1<<31 - 1
	firstWindow  = 1<<16 - 1 // of a connection, and of a stream until SETTINGS says otherwise (RFC 9113 section 6.9.2)
)

// Setting is one, as it is sent.
type Setting struct {
	ID    SettingID
	Value uint32
}

// Settings are what a peer has said so far.
type Settings struct {
	HeaderTableSize      uint32 // octets
	EnablePush           bool
	MaxConcurrentStreams uint32 // of those that its peer opens
	InitialWindowSize    uint32 // octets, at most 2^31-1
	MaxFrameSize         uint32 // octets, 2^14 to 2^24-1
	MaxHeaderListSize    uint32 // octets
}

// InitialSettings are those that hold before any SETTINGS frame.
func InitialSettings() Settings {
	return Settings{
		HeaderTableSize: 4096, EnablePush: true, MaxConcurrentStreams: 1<<32 - 1,
		InitialWindowSize: firstWindow, MaxFrameSize: minFrameSize, MaxHeaderListSize: 1<<32 - 1,
	}
}

// Update takes in the payload of a SETTINGS frame, in its order; one that is not known is ignored (RFC 9113 section 6.5.2).
// After an error, a [Reason] for the connection to end, s is unchanged.
func (s *Settings) Update(payload []byte) error {
	next := *s
	for ; len(payload) >= settingLen; payload = payload[settingLen:] {
		id, value := SettingID(binary.BigEndian.Uint16(payload)), binary.BigEndian.Uint32(payload[2:])
		switch id {
		case HeaderTableSize:
			next.HeaderTableSize = value
		case EnablePush:
			if value > 1 {
				return BadSetting
			}
			next.EnablePush = value == 1
		case MaxConcurrentStreams:
			next.MaxConcurrentStreams = value
		case InitialWindowSize:
			if value > maxWindow {
				return BadWindowSetting
			}
			next.InitialWindowSize = value
		case MaxFrameSize:
			if value < minFrameSize || value > maxFrameSize {
				return BadSetting
			}
			next.MaxFrameSize = value
		case MaxHeaderListSize:
			next.MaxHeaderListSize = value
		}
	}
	*s = next
	return nil
}
