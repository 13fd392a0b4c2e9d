package testvectors_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/nrbf"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// stricterThanDotNet are the recorded vectors that .NET accepts and this
// module refuses on purpose. There are no others.
var stricterThanDotNet = map[string]map[string]string{
	"aspnetcore_chunks.json": {
		"no-limit":    "a cookie of 6000 bytes, which no browser keeps",
		"no-limit#01": "a cookie of 6000 bytes",
		"no-limit#02": "a cookie of 6000 bytes",
		"no-limit#03": "a cookie of 6000 bytes",
		"no-limit#04": "a cookie of 6000 bytes",
	},
	"aspnetcore_tickets.json":     stricterTickets(),
	"dataprotection_keyring.json": stricterRings,
	"dataprotection_systemweb.json": {
		"sw-fa-20SP2-nul-in-name": "U+0000 in the user's name, which some programs take for its end",
		"sw-fa-45-nul-in-name":    "U+0000 in the user's name",
		"sw-pub-054-session-ref":  "a reference to a store, which .NET without one takes for a user",
		"sw-pub-103-trailing":     "bytes after the end",
		"sw-pub-108-propver2":     "another version of the properties, which .NET drops and the end with them",
	},
	"formsauth.json": {
		"fa-20SP1-nul-in-name":    "U+0000 in the user's name, which some programs take for its end",
		"fa-20SP2-nul-in-name":    "U+0000 in the user's name",
		"fa-45-nul-in-name":       "U+0000 in the user's name",
		"fa-20SP1-lone-surrogate": "a name that is not valid Unicode, which Go cannot hold",
		"fa-20SP2-lone-surrogate": "a name that is not valid Unicode",
		"fa-45-lone-surrogate":    "a name that is not valid Unicode",
	},
	"legacy_encode.json": {
		"leg-nonhex-digit-counts-as-zero": "a letter that is no digit, which .NET reads as 0",
	},
	"owin.json": {
		"pub-054-session-ref":               "a reference to a store, which .NET without one takes for a user",
		"pub-157-handler-ref-without-store": "a reference to a store",
		"pub-083-format2-by-2bc":            "a format that .NET reads by accident, without the properties and so without an end",
		"pub-084-format2bc-by-2":            "a format that .NET reads by accident",
		"pub-108-propver2":                  "another version of the properties, which .NET drops and the end with them",
		"pub-103-trailing":                  "bytes after the end",
		"pub-115-bad-utf8":                  "text that is not UTF-8",
	},
	"owin_chunks.json": {
		"pub-175-append-no-limit": "a cookie of 9000 bytes, which no browser keeps",
		"pub-216-append-no-limit": "a cookie of 9000 bytes",
		"pub-184-get-missing":     "a chunk is missing, and .NET takes the number of chunks for the value",
		"pub-225-get-missing":     "a chunk is missing",
	},
	"sessiontoken_nrbf.json": {
		"alt-ids":             "other object numbers than .NET writes",
		"alt-root-id":         "other object numbers than .NET writes",
		"header-minor-1":      "minor version that .NET never wrote",
		"asm-short":           "assembly name without version and key",
		"asm-v3":              "assembly version that never held the class",
		"extra-after-end":     "bytes after the end",
		"end-twice":           "bytes after the end",
		"array-int8-type":     "array declared as signed bytes",
		"bootstrap-kind-X":    "unknown kind, which .NET reads as nothing",
		"bootstrap-kind-wide": "unknown kind, which .NET reads as nothing",
		"bootstrap-S-null":    "null text, which .NET never writes",
	},
	"sessiontoken_envelope.json": {
		"cache-hit-with-cookie":     "on a cache hit .NET does not look at the Cookie; here it must be authentic",
		"cache-hit-id-not-compared": "on a cache hit .NET does not compare the Id; here it must be the token's",
	},
	"sessiontoken_negative.json": {
		"deflate-trunc-532": "the compressed stream ends before its final block does",
	},
}

func (f *file) stricterWanted() []string {
	return slices.Sorted(maps.Keys(stricterThanDotNet[f.name]))
}

// declaredClass reports whether err is one of the refusals that are stricter
// than .NET on purpose:
//
//   - forms that .NET reads but never writes, Windows identities and policies
//     of WCF, which nothing off Windows can rebuild, and names that Go cannot
//     hold;
//   - a compressed stream without its final block;
//   - more chunks, records or levels than the limits of this module, where
//     .NET has none.
//
// A few others can only be told with a look at the vector; whoever calls
// refused says so: a reference to a store where there is none, bytes behind a
// ticket, a missing chunk of Katana, a letter in a hex key, a hit in a cache.
// Everything else that .NET accepts must be accepted.
func declaredClass(err error) bool {
	var at *sessiontoken.FormatError
	truncated := errors.As(err, &at) && at.Layer == "deflate" && errors.Is(err, flate.ErrTruncated)
	return truncated || slices.ContainsFunc([]error{
		sessiontoken.ErrUnsupported, nrbf.ErrNonCanonical, nbfx.ErrUnsupported,
		nbfx.ErrLimit, chunks.ErrTooManyChunks, cookie.ErrTooLong,
	}, func(class error) bool { return errors.Is(err, class) })
}

// refused judges the refusal of a vector that .NET accepts: it must be of a
// declared class and, in the recorded set, in the list above.
func (f *file) refused(t *testing.T, name string, err error, declared bool) {
	t.Helper()
	if !declared {
		t.Fatalf("refused, .NET accepts: %v", err)
	}
	if !f.own && stricterThanDotNet[f.name][name] == "" {
		t.Fatalf("refused, .NET accepts, and not in the list of declared_test.go: %v", err)
	}
	f.stricter = append(f.stricter, name)
}

// neverIssued counts the recorded vectors whose value .NET writes and this
// module only reads, because anybody could change it or because .NET itself
// could not read it.
var neverIssued = map[string]int{
	"cookieprotection.json":         2,  // protection None
	"dataprotection_systemweb.json": 3,  // too long, or U+0000
	"formsauth.json":                49, // protection None, no signature, the old layout, too long, or no Unicode text
	"legacy_encode.json":            6,  // without a signature
	"owin.json":                     3,  // a text that stands for a default, a reference to a store
	"sessiontoken_wif10.json":       2,  // without a signature
}

// notIssued records a value that this module reads and refuses to write.
func (f *file) notIssued(t *testing.T, text string, err error) {
	t.Helper()
	if err == nil || text != "" {
		t.Errorf("issued %s, error %v", short(text), err)
	}
	f.unissued++
}
