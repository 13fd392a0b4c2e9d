package testvectors_test

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// ticketJSON is a forms ticket. Its texts are there a second time as bytes,
// since .NET's may hold what is not valid Unicode, and its times as texts.
type ticketJSON struct {
	Version                                         int
	Name, UserData, CookiePath                      string
	NameUTF16LE, UserDataUTF16LE, CookiePathUTF16LE hexBytes
	IssueDateUTCTicks, ExpirationUTCTicks           int64
	IssueDate, Expiration                           string
	IsPersistent                                    bool
}

type ticketModel struct {
	ticketJSON
	tree map[string]any
}

func (m *ticketModel) UnmarshalJSON(data []byte) error {
	return decodeBoth(data, &m.ticketJSON, &m.tree)
}

// ticket makes the ticket to issue. Its name is no text if JSON could not hold
// it.
func (j *ticketJSON) ticket(t *testing.T) *sessiontoken.FormsTicket {
	t.Helper()
	text := func(s string, utf16LE []byte) string {
		if loneSurrogateIn(utf16LE) {
			return "\xed\xa0\x80" // a surrogate in the place of UTF-8
		}
		return s
	}
	return &sessiontoken.FormsTicket{
		Version: byte(j.Version), Persistent: j.IsPersistent,
		Name: text(j.Name, j.NameUTF16LE), UserData: text(j.UserData, j.UserDataUTF16LE),
		CookiePath: text(j.CookiePath, j.CookiePathUTF16LE),
		IssueDate:  timeOfTicks(t, j.IssueDateUTCTicks), Expiration: timeOfTicks(t, j.ExpirationUTCTicks),
	}
}

// describeTicket writes a ticket the way the vectors do.
func describeTicket(f *sessiontoken.FormsTicket) map[string]any {
	ticks := func(at time.Time) json.Number {
		n, _ := dotnet.Ticks(at)
		return json.Number(strconv.FormatInt(n, 10))
	}
	return map[string]any{
		"version": json.Number(strconv.Itoa(int(f.Version))), "isPersistent": f.Persistent,
		"name": f.Name, "userData": f.UserData, "cookiePath": f.CookiePath,
		"nameUtf16LE": utf16Hex(f.Name), "userDataUtf16LE": utf16Hex(f.UserData), "cookiePathUtf16LE": utf16Hex(f.CookiePath),
		"issueDateUtcTicks": ticks(f.IssueDate), "expirationUtcTicks": ticks(f.Expiration),
		"issueDate": timeText(f.IssueDate), "expiration": timeText(f.Expiration),
	}
}

func timeText(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

func timeOfTicks(t *testing.T, n int64) time.Time {
	t.Helper()
	at, ok := dotnet.Time(n)
	if !ok {
		t.Fatalf("ticks %d out of range", n)
	}
	return at
}

func utf16Hex(s string) string {
	var data []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		data = append(data, byte(unit), byte(unit>>8))
	}
	return hex.EncodeToString(data)
}

// loneSurrogate reports whether a text of the ticket is not valid.
func (j *ticketJSON) loneSurrogate() bool {
	return loneSurrogateIn(j.NameUTF16LE) || loneSurrogateIn(j.UserDataUTF16LE) ||
		loneSurrogateIn(j.CookiePathUTF16LE)
}

// loneSurrogateIn reports whether a UTF-16LE text is not valid.
func loneSurrogateIn(data []byte) bool {
	var units []uint16
	for pair := range slices.Chunk(data, 2) {
		if len(pair) == 2 {
			units = append(units, uint16(pair[0])|uint16(pair[1])<<8)
		}
	}
	return !slices.Equal(utf16.Encode(utf16.Decode(units)), units)
}
