package sessiontoken

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/forms"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/machinekey"
)

func anonymousCodec(t testing.TB, mode machinekey.Mode, opts FormsOptions) *AnonymousCodec {
	t.Helper()
	if opts.Now == nil {
		opts.Now = vectorNow
	}
	c, err := NewAnonymousCodec(ringOf(t, modeKey(t, mode)), &opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnonymousNewID(t *testing.T) {
	c := anonymousCodec(t, machinekey.Framework45, FormsOptions{})
	a, b := c.NewID(), c.NewID()
	guid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if a.ID == b.ID || !guid.MatchString(a.ID) || a.Expires.Sub(vectorTime) != 100_000*time.Minute {
		t.Errorf("%+v, %+v", a, b)
	}
	c = anonymousCodec(t, machinekey.Framework45, FormsOptions{Lifetime: time.Hour})
	if end := c.NewID().Expires; !end.Equal(vectorTime.Add(time.Hour)) {
		t.Errorf("ends at %v", end)
	}
	for _, o := range []FormsOptions{{Lifetime: -1}, {Path: "/"},
		{InsecureOldLayout: true}, {ClockSkew: 1},
		{Roles: func(string) []string { return nil }}} {
		if _, err := NewAnonymousCodec(testRing(t), &o); err == nil {
			t.Errorf("took %+v", o)
		}
	}
}

func TestAnonymousRoundTrip(t *testing.T) {
	for _, m := range formsModes {
		c := anonymousCodec(t, m.mode, FormsOptions{Protection: m.protection})
		for _, text := range []string{"x", "06e0ebc6-f3d9-4d8f-9fc4-a1d85706f7b9", "Łukasz 😀",
			strings.Repeat("y", 128)} {
			cookie, err := c.Encode(ctx, &AnonymousID{ID: text, Expires: vectorTime})
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Decode(ctx, cookie)
			if err != nil || got.ID != text || !got.Expires.Equal(vectorTime) {
				t.Fatalf("%s: %v, %v", m.name, got, err)
			}
			protected, err := base64.DecodeURLToken(cookie)
			if err != nil {
				t.Fatal(err)
			}
			for i := range protected {
				for bit := range 8 {
					protected[i] ^= 1 << bit
					if got, err := c.Decode(ctx,
						base64.EncodeURLToken(protected)); err != ErrInvalid || got != nil {
						t.Fatalf("%s: bit %d: %v, %v", m.name, i*8+bit, got, err)
					}
					protected[i] ^= 1 << bit
				}
			}
		}
	}
}

func TestAnonymousEncodeRefuses(t *testing.T) {
	c := anonymousCodec(t, machinekey.Framework45, FormsOptions{})
	for name, id := range map[string]*AnonymousID{
		"empty":          {Expires: vectorTime},
		"129 characters": {ID: strings.Repeat("x", 129), Expires: vectorTime},
		"65 emoji":       {ID: strings.Repeat("😀", 65), Expires: vectorTime},
		"a megabyte":     {ID: strings.Repeat("x", 1<<20), Expires: vectorTime},
		"NUL":            {ID: "a\x00b", Expires: vectorTime},
		"not UTF-8":      {ID: "\xff", Expires: vectorTime},
		"year 1600":      {ID: "x", Expires: time.Date(1600, 12, 31, 0, 0, 0, 0, time.UTC)},
		"year 10000":     {ID: "x", Expires: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"too long":       {ID: strings.Repeat("日", 128), Expires: vectorTime},
	} {
		text, err := c.Encode(ctx, id)
		if err == nil || text != "" || !strings.HasPrefix(err.Error(),
			"sessiontoken: cannot issue: ") ||
			errors.Is(err, layer.ErrTooLong) != (name == "too long") {
			t.Errorf("%s: issued %.20q, %v", name, text, err)
		}
	}
	c = anonymousCodec(t, machinekey.Framework20SP1,
		FormsOptions{Protection: machinekey.InsecureProtectionNone})
	if text, err := c.Encode(ctx, &AnonymousID{ID: "x", Expires: vectorTime}); err == nil ||
		text != "" {
		t.Errorf("issued %q", text)
	}
}

func TestHostileAnonymousIDs(t *testing.T) {
	c := anonymousCodec(t, machinekey.Framework45, FormsOptions{})
	seal := func(data []byte) string {
		text, err := c.protector.encodeURLToken(new(formsScratch), data, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	ticks, _ := dotnet.Ticks(vectorTime)
	payload := func(n int32, id string) []byte {
		return append(dotnet.AppendInt32(dotnet.AppendInt64(nil, ticks-forms.FileTimeEpoch), n),
			id...)
	}
	for _, tc := range []struct {
		name, value string
		want        error
	}{
		{"empty", "", ErrInvalid},
		{"hex", strings.Repeat("00", 60), ErrInvalid},
		{"513 characters", strings.Repeat("A", 513), layer.ErrTooLong},
		{"a megabyte", strings.Repeat("A", 1<<20), layer.ErrTooLong},
		{"no payload", seal(nil), errAnonymousTruncated},
		{"12 bytes", seal(payload(0, "")), errAnonymousLength},
		{"empty id with more behind", seal(payload(0, "abc")), errAnonymousLength},
		{"longer than there is", seal(payload(4, "abc")), errAnonymousTruncated},
		{"2^31-1", seal(payload(1<<31-1, "abc")), errAnonymousTruncated},
		{"negative", seal(payload(-1, "abc")), errAnonymousTruncated},
		{"129 characters", seal(payload(129, strings.Repeat("x", 129))), errAnonymousLength},
		{"not UTF-8", seal(payload(1, "\xff")), ErrUnsupported},
		{"NUL", seal(payload(3, "a\x00b")), ErrUnsupported},
		{"negative time", seal(append(bytes.Repeat([]byte{0xff}, 8), payload(1, "x")[8:]...)),
			errAnonymousTime},
		{"year 10000", seal(append(dotnet.AppendInt64(nil, dotnet.MaxTicks-forms.FileTimeEpoch+1),
			payload(1, "x")[8:]...)), errAnonymousTime},
	} {
		t.Run(tc.name, func(t *testing.T) {
			used := allocated(func() {
				if got, err := c.Decode(ctx, tc.value); got != nil || !errors.Is(err, tc.want) {
					t.Errorf("got %v and error %v, want %v", got, err, tc.want)
				}
			})
			if used > formsHeapBound {
				t.Errorf("allocated %d bytes", used)
			}
		})
	}
	// Like .NET: bytes behind the id do no harm.
	if got, err := c.Decode(ctx, seal(payload(3, "abcd"))); err != nil || got.ID != "abc" {
		t.Errorf("%v, %v", got, err)
	}
	// Without authentication every fault looks the same.
	c = anonymousCodec(t, machinekey.Framework20SP2,
		FormsOptions{Protection: machinekey.InsecureProtectionNone})
	for i := range 13 {
		if got, err := c.Decode(ctx, base64.EncodeURLToken(payload(1,
			"x")[:i])); err != ErrInvalid || got != nil {
			t.Errorf("%d bytes: %v, %v", i, got, err)
		}
	}
	if got, err := c.Decode(ctx, base64.EncodeURLToken(payload(1, "x"))); err != nil ||
		fmt.Sprint(got.ID) != "x" {
		t.Errorf("%v, %v", got, err)
	}
}
