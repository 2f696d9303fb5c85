package http2

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	other "golang.org/x/net/http2"
)

// Another implementation reads what is written here.
func TestAppendedIsReadByAnother(t *testing.T) {
	tests := []struct {
		name string
		b    []byte
		want []string
	}{
		{"HEADERS", AppendHeaders(nil, 1, []byte("abc"), true, 16384), []string{"[FrameHeader HEADERS flags=END_STREAM|END_HEADERS stream=1 len=3] abc"}},
		{"HEADERS in three", AppendHeaders(nil, 1, []byte("abcdefg"), true, 3), []string{
			"[FrameHeader HEADERS flags=END_STREAM stream=1 len=3] abc",
			"[FrameHeader CONTINUATION stream=1 len=3] def",
			"[FrameHeader CONTINUATION flags=END_HEADERS stream=1 len=1] g"}},
		{"HEADERS in two full ones", AppendHeaders(nil, 1, []byte("abcdef"), false, 3), []string{
			"[FrameHeader HEADERS stream=1 len=3] abc",
			"[FrameHeader CONTINUATION flags=END_HEADERS stream=1 len=3] def"}},
		{"DATA", AppendData(nil, 3, []byte("abcde"), true, 2), []string{
			"[FrameHeader DATA stream=3 len=2] ab", "[FrameHeader DATA stream=3 len=2] cd",
			"[FrameHeader DATA flags=END_STREAM stream=3 len=1] e"}},
		{"end alone", AppendData(nil, 3, nil, true, 2), []string{"[FrameHeader DATA flags=END_STREAM stream=3 len=0] "}},
		{"RST_STREAM", AppendRSTStream(nil, 3, EnhanceYourCalm), []string{"[FrameHeader RST_STREAM stream=3 len=4] ENHANCE_YOUR_CALM"}},
		{"SETTINGS", AppendSettings(nil, Setting{MaxFrameSize, 20000}, Setting{EnablePush, 0}), []string{
			"[FrameHeader SETTINGS len=12] [MAX_FRAME_SIZE = 20000][ENABLE_PUSH = 0]"}},
		{"acknowledgement", AppendSettingsAck(nil), []string{"[FrameHeader SETTINGS flags=ACK len=0] "}},
		{"PING", AppendPing(nil, [8]byte{7: 9}), []string{"[FrameHeader PING len=8] [0 0 0 0 0 0 0 9]"}},
		{"answer to PING", AppendPingAck(nil, []byte("12345678")), []string{"[FrameHeader PING flags=ACK len=8] [49 50 51 52 53 54 55 56]"}},
		{"GOAWAY", AppendGoAway(nil, 7, NoError, "bye"), []string{"[FrameHeader GOAWAY len=11] 7 NO_ERROR bye"}},
		{"WINDOW_UPDATE", AppendWindowUpdate(nil, 5, 1<<31-1), []string{"[FrameHeader WINDOW_UPDATE stream=5 len=4] 2147483647"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := other.NewFramer(nil, bytes.NewReader(tt.b))
			var got []string
			for {
				f, err := r.ReadFrame()
				if err != nil {
					break
				}
				got = append(got, f.Header().String()+" "+content(f))
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func content(f other.Frame) string {
	switch f := f.(type) {
	case *other.HeadersFrame:
		return string(f.HeaderBlockFragment())
	case *other.ContinuationFrame:
		return string(f.HeaderBlockFragment())
	case *other.DataFrame:
		return string(f.Data())
	case *other.RSTStreamFrame:
		return f.ErrCode.String()
	case *other.SettingsFrame:
		var b strings.Builder
		_ = f.ForeachSetting(func(s other.Setting) error { b.WriteString(s.String()); return nil }) // which returns none
		return b.String()
	case *other.PingFrame:
		return fmt.Sprint(f.Data)
	case *other.GoAwayFrame:
		return fmt.Sprintf("%d %v %s", f.LastStreamID, f.ErrCode, f.DebugData())
	case *other.WindowUpdateFrame:
		return fmt.Sprint(f.Increment)
	}
	return "?"
}
