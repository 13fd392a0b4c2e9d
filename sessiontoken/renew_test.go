package sessiontoken

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/webfarm-go/webfarm/machinekey"
)

func TestRenewToTheTick(t *testing.T) {
	const tick = 100 * time.Nanosecond
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	tok := &Token{
		ID: "_a", ContextID: machinekey.NewSecret([]byte("urn:x")), KeyGeneration: "g",
		EndpointID: "/app/", Context: "c", Key: machinekey.NewSecret([]byte{1}),
		ValidFrom: start, ValidTo: start.Add(10 * time.Hour),
		Persistent: true, ReferenceMode: true, Principal: alice(),
	}
	for _, tc := range []struct {
		skew, after time.Duration // after start
		due         bool
	}{
		{0, 0, false},
		{0, 5*time.Hour - tick, false},
		{0, 5 * time.Hour, true},
		{0, 10*time.Hour - tick, true},
		{0, 10 * time.Hour, false}, // nothing left
		{0, 7 * time.Hour, true},
		// With a skew of 10 minutes the whole is 10:10 and half of it 5:05.
		{10 * time.Minute, 5*time.Hour + 5*time.Minute - tick, false},
		{10 * time.Minute, 5*time.Hour + 5*time.Minute, true},
		{10 * time.Minute, 10*time.Hour + 10*time.Minute - tick, true},
		{10 * time.Minute, 10*time.Hour + 10*time.Minute, false},
	} {
		now := start.Add(tc.after)
		got, due := tok.renew(now, tc.skew)
		if due != tc.due || (got != nil) != tc.due {
			t.Errorf("%+v: %v, %v", tc, got, due)
			continue
		}
		if !due {
			continue
		}
		want := *tok
		want.ValidFrom, want.ValidTo = now, now.Add(10*time.Hour)
		want.KeyExpires = want.ValidTo // KeyEffective stays: it is the time of the sign-in
		if diff := cmp.Diff(&want, got, ignoreKey); diff != "" {
			t.Errorf("%+v: (-want +got):\n%s", tc, diff)
		}
	}
	if tok.ValidFrom != start {
		t.Error("renew changed its token")
	}
}

func TestSignedIn(t *testing.T) {
	start := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		keyEffective, want time.Time
	}{
		"as .NET makes it":    {start, start},
		"renewed since":       {start.Add(-8 * time.Hour), start.Add(-8 * time.Hour)},
		"a key of the future": {start.Add(time.Hour), start},
		"none":                {time.Time{}, start},
		"the zero of .NET":    {time.Date(1, 1, 1, 14, 0, 0, 0, time.UTC), start},
	} {
		tok := &Token{ValidFrom: start, KeyEffective: tc.keyEffective}
		if got := tok.signedIn(); !got.Equal(tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	tok := &Token{ValidFrom: start, ValidTo: start.Add(time.Hour), KeyEffective: start}
	for now := start; now.Before(start.Add(9 * time.Hour)); now = now.Add(40 * time.Minute) {
		if renewed, due := tok.renew(now, 0); due {
			tok = renewed
		}
	}
	if !tok.signedIn().Equal(start) || tok.ValidTo.Before(start.Add(9*time.Hour)) {
		t.Errorf("after nine hours: %v, signed in at %v", tok, tok.signedIn())
	}
}
