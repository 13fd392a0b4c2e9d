package sessiontoken

import (
	"encoding/base64"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/nrbf"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
)

// heapBound is what one call of Decode may allocate in all, whatever it is
// given: the largest token that may be authentic has some 30,000 claims.
const heapBound = 32 << 20

// allocated returns the bytes that f allocates in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// seal protects an arbitrary stream as if it came from a node of the farm.
func sealToken(t testing.TB, c *SessionCodec, deflated []byte) string {
	t.Helper()
	protected, err := c.chain[len(c.chain)-1].Protect(nil, deflated)
	if err != nil {
		t.Fatal(err)
	}
	return envelopeText(&Token{ID: "_id1", ContextID: machinekey.NewSecret([]byte("urn:x:1"))},
		protected)
}

// envelopeText puts the last two layers around protected bytes.
func envelopeText(t *Token, protected []byte) string {
	head := t.head()
	xml, err := wif.AppendEnvelope(nil, &head, protected, false)
	if err != nil {
		panic(err)
	}
	return string(wif.AppendText(nil, xml))
}

// sealDocument protects a token document.
func sealDocument(t testing.TB, c *SessionCodec, doc []byte) string {
	return sealToken(t, c, flate.Deflate(nil, nrbf.AppendSession(nil, doc)))
}

// hostileDocument returns a document whose head is good and whose principal
// is made by f.
func hostileDocument(t testing.TB, f func(w *nbfx.Writer)) []byte {
	t.Helper()
	return hostileDocumentOf(t, wif.V45, f)
}

// hostileDocumentOf is hostileDocument for either format.
func hostileDocumentOf(t testing.TB, format wif.Version, f func(w *nbfx.Writer)) []byte {
	t.Helper()
	doc, err := names(format).Document(f)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestHostileValues(t *testing.T) {
	f := readFile(t, "sessiontoken_45.json")
	c := f.codec(t, "A", SessionOptions{})
	genuine := f.vector(t, "one-claim").text()
	xml, err := base64.StdEncoding.DecodeString(genuine)
	if err != nil {
		t.Fatal(err)
	}
	outer := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	inXML := func(old, new string) string { return outer(strings.Replace(string(xml), old, new, 1)) }
	claims := func(n int) []byte {
		return hostileDocument(t, func(w *nbfx.Writer) {
			w.StartDict(names(wif.V45).ID("Identity"))
			w.StartDict(names(wif.V45).ID("ClaimCollection"))
			for range n {
				w.StartDict(names(wif.V45).ID("Claim"))
				w.AttrDict(names(wif.V45).ID("Type"), "")
				w.AttrDict(names(wif.V45).ID("Value"), "")
				w.End()
			}
			w.End()
			w.End()
		})
	}
	actors := func(n int) []byte {
		return hostileDocument(t, func(w *nbfx.Writer) {
			for range n {
				w.StartDict(names(wif.V45).ID("Identity"))
				w.StartDict(names(wif.V45).ID("Actor"))
			}
			w.StartDict(names(wif.V45).ID("Identity"))
			for range n {
				w.End()
				w.End()
			}
			w.End()
		})
	}
	lengths := hostileDocument(t, func(w *nbfx.Writer) {
		w.StartDict(names(wif.V45).ID("Identity"))
		w.End()
	})
	lengths = append(lengths[:len(lengths)-4], 0x42, byte(2*names(wif.V45).ID("BootStrapToken")),
		nbfx.Bytes32, 0xFF, 0xFF, 0xFF, 0x7F)

	for _, tc := range []struct {
		name, value string
		want        error
	}{
		{"empty", "", ErrInvalid},
		{"garbage", "!!!!", ErrInvalid},
		{"a megabyte of garbage", strings.Repeat("%", 1<<20), ErrInvalid},
		{"too long", strings.Repeat("AAAA", limits.Text/4+1), ErrInvalid},
		{"a megabyte of zeros", strings.Repeat("AAAA", 1<<18), ErrInvalid},
		{"half a cookie", genuine[:len(genuine)/2], ErrInvalid},
		{"a cookie twice", genuine + genuine, ErrInvalid},
		{"doctype", inXML("<SecurityContextToken",
			`<!DOCTYPE x [<!ENTITY e "x">]><SecurityContextToken`), ErrInvalid},
		{"entity", inXML("<Identifier>", "<Identifier>&e;"), ErrInvalid},
		{"processing instruction", inXML("<Identifier>", "<?php ?><Identifier>"), ErrInvalid},
		{"entity bomb", outer(`<!DOCTYPE a [<!ENTITY a "` + strings.Repeat("&b;", 10000) +
			`">]><SecurityContextToken/>`), ErrInvalid},
		{"deep XML", outer(strings.Repeat("<a>", 300_000)), ErrInvalid},
		{"many attributes", outer("<SecurityContextToken " + strings.Repeat(`a="" `, 200_000) +
			">"), ErrInvalid},
		{"many comments", outer(strings.Repeat("<!---->", 150_000)), ErrInvalid},
		{"one long comment", outer("<!--" + strings.Repeat("x", 1<<20) + "-->"), ErrInvalid},
		{"deflate bomb", sealToken(t, c, flate.Deflate(nil, make([]byte, 64<<20))), flate.ErrTooLarge},
		{"not deflated", sealToken(t, c, []byte("\x07hello")), flate.ErrCorrupt},
		{"truncated deflate", sealToken(t, c, flate.Deflate(nil, make([]byte, 1000))[:4]), flate.ErrTruncated},
		{"other NRBF class", sealToken(t, c, flate.Deflate(nil, []byte(strings.Replace(
			string(nrbf.AppendSession(nil, []byte("x"))), "SessionSecurityToken",
			"WindowsIdentityToken", 1)))), nrbf.ErrOtherType},
		{"10,000 actors", sealDocument(t, c, actors(10_000)), ErrUnsupported},
		{"17 actors", sealDocument(t, c, actors(17)), ErrUnsupported},
		{"length of 2^31-1", sealDocument(t, c, lengths), nbfx.ErrTruncated},
		{"130,000 claims", sealDocument(t, c, claims(130_000)), flate.ErrTooLarge},
		{"100,000 claims", sealDocument(t, c, claims(100_000)), nbfx.ErrLimit},
		{"50,000 claims, expired", sealDocument(t, c, claims(50_000)), ErrExpired},
		{"no identities", sealDocument(t, c, hostileDocument(t, func(*nbfx.Writer) {})), wif.ErrIdentities},
		{"time out of range", sealDocument(t, c, []byte(strings.Replace(string(claims(1)),
			"\x00\xc0\x00\x99\x5c\x0a\xdc\x08", "\xff\xff\xff\xff\xff\xff\xff\x7f", 1))),
			wif.ErrTime},
		{"negative time", sealDocument(t, c, []byte(strings.Replace(string(claims(1)),
			"\x00\xc0\x00\x99\x5c\x0a\xdc\x08", "\xff\xff\xff\xff\xff\xff\xff\xff", 1))),
			wif.ErrTime},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var tok *Token
			var err error
			n := allocated(func() { tok, err = c.Decode(ctx, tc.value) })
			if tok != nil || !errors.Is(err, tc.want) {
				t.Errorf("got %v and error %v, want %v", tok, err, tc.want)
			}
			if tc.want == ErrInvalid && err != ErrInvalid {
				t.Errorf("error %v says more than ErrInvalid", err)
			}
			if n > heapBound {
				t.Errorf("allocated %d bytes", n)
			}
		})
	}
}

func TestDPAPIIsNamed(t *testing.T) {
	f := readFile(t, "sessiontoken_45.json")
	c := f.codec(t, "A", SessionOptions{})
	blob := append([]byte(dpapiHead), make([]byte, 200)...)
	if s := base64.StdEncoding.EncodeToString(blob); !strings.HasPrefix(s,
		"AQAAANCMnd8BFdERjHoAwE/Cl+s") {
		t.Fatalf("blob begins %.30s", s)
	}
	_, err := c.Decode(ctx, envelopeText(&Token{ID: "_a",
		ContextID: machinekey.NewSecret([]byte("urn:x:1"))}, blob))
	if err != errDPAPI {
		t.Fatal(err)
	}
}

func TestErrorsHoldNoData(t *testing.T) {
	f := readFile(t, "sessiontoken_45.json")
	c := f.codec(t, "A", SessionOptions{})
	secret := "s3cr3t-value"
	doc := hostileDocument(t, func(w *nbfx.Writer) {
		w.StartDict(names(wif.V45).ID("Identity"))
		w.StartDict(names(wif.V45).ID("ClaimCollection"))
		w.StartDict(names(wif.V45).ID("Claim"))
		w.AttrDict(names(wif.V45).ID("Type"), secret)
		w.AttrDict(names(wif.V45).ID("Value"), secret)
		w.Text(secret)
		w.End()
		w.End()
		w.End()
	})
	_, err := c.Decode(ctx, sealDocument(t, c, doc))
	var at *FormatError
	if !errors.As(err, &at) || at.Layer != "token" || at.Offset <= 0 ||
		strings.Contains(err.Error(), secret) {
		t.Fatalf("error %v", err)
	}
}
