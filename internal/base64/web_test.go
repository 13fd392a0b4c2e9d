package base64_test

import (
	"bytes"
	stdlib "encoding/base64"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/base64"
)

// TestAppendDecodeWeb has verdicts of .NET 10.
func TestAppendDecodeWeb(t *testing.T) {
	for _, tt := range []struct {
		text string
		want string // "!": refused
	}{
		{"", ""},
		{"AQIDBA", "\x01\x02\x03\x04"}, {"AQIDBA=", "\x01\x02\x03\x04"}, {"AQIDBA==", "\x01\x02\x03\x04"},
		{"AQIDBA===", "!"}, {"AQIDBA====", "!"},
		{"AQIDBAU", "\x01\x02\x03\x04\x05"}, {"AQIDBAU=", "\x01\x02\x03\x04\x05"}, {"AQIDBAU==", "!"},
		{"AQID", "\x01\x02\x03"}, {"AQID=", "!"}, {"AQID==", "!"},
		{"AQIDBA%%", "\x01\x02\x03\x04"}, {"AQIDBA=%", "\x01\x02\x03\x04"}, {"AQIDBA%3d", "!"},
		{" AQ\tID\r\nBA = = ", "\x01\x02\x03\x04"}, {"AQ\vIDBA", "!"}, {"AQ\fIDBA", "!"}, {"AQ\x00IDBA", "!"},
		{"AQ\u00a0IDBA", "!"}, {"=AQIDBA", "!"}, {"AQ=IDBA", "!"}, {"AQIDBA==A", "!"},
		{"AQIDBB", "!"}, {"AQIDBB==", "!"}, {"AQIDBAV", "!"}, {"AQIDB", "!"}, {"A", "!"},
		{"-_-_", "\xfb\xff\xbf"}, {"+/+/", "!"}, {"AQ.ID", "!"}, {`"AQID"`, "!"},
		{"=", "!"}, {"==", "!"},
	} {
		dst := []byte("dst")
		got, ok := base64.AppendDecodeWeb(dst, tt.text)
		switch {
		case tt.want == "!" && (ok || string(got) != "dst"):
			t.Errorf("%q gives %q, %v", tt.text, got, ok)
		case tt.want != "!" && (!ok || string(got) != "dst"+tt.want):
			t.Errorf("%q gives %q, %v, want %q", tt.text, got, ok, tt.want)
		}
	}
}

// FuzzAppendDecodeWeb compares with the standard library, which refuses the
// same once white space and padding are out.
func FuzzAppendDecodeWeb(f *testing.F) {
	for _, seed := range []string{"", "AQIDBA", "AQ ID\nBA==", "-_-_", "AQIDBB", "AQIDBA%%",
		strings.Repeat("A", 43)} {
		f.Add(seed)
	}
	strip := strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "")
	f.Fuzz(func(t *testing.T, text string) {
		plain := strip.Replace(text)
		data := strings.TrimRight(plain, "=%")
		want, err := stdlib.RawURLEncoding.Strict().DecodeString(data)
		if padding := len(plain) - len(data); padding > 0 &&
			(len(data)%4 < 2 || padding > 4-len(data)%4) {
			want, err = nil, stdlib.CorruptInputError(0)
		}
		got, ok := base64.AppendDecodeWeb(nil, text)
		if ok != (err == nil) || ok && !bytes.Equal(got, want) || !ok && len(got) > 0 {
			t.Errorf("%q gives %q, %v, want %q, %v", text, got, ok, want, err)
		}
	})
}
