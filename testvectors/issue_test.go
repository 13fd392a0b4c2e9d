package testvectors_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/nrbf"
	"github.com/webfarm-go/webfarm/internal/tokentest"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// layers opens the cookie by hand, one layer at a time, and compares each with
// the recorded one.
func (s *session) layers(t *testing.T, purposes []string, tok *sessiontoken.Token) {
	xml, err := base64.StdEncoding.DecodeString(s.text)
	if err != nil {
		t.Fatal(err)
	}
	if s.XMLText != nil {
		sameBytes(t, "xmlText", xml, []byte("\ufeff"+*s.XMLText))
	}
	if s.reference() {
		return
	}
	_, content, _, ok := cutCookie(xml)
	protected, err := base64.StdEncoding.DecodeString(string(content))
	if !ok || err != nil {
		t.Fatalf("no Cookie in the XML: %v", err)
	}
	p, err := protectorOf(s.MachineKeys.config(t, s.MachineKey), purposes, protected) // the IV is its beginning
	if err != nil {
		t.Fatal(err)
	}
	deflated, _, err := p.Unprotect(t.Context(), nil, protected)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Protect(nil, deflated)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "protected anew", again, protected)
	stream, err := flate.Inflate(nil, deflated, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := nrbf.ParseSession(stream)
	if err != nil {
		t.Fatal(err)
	}
	s.compareStages(t, doc, stream)
	for _, stage := range []struct {
		name      string
		got, want []byte
	}{{"protectedHex", protected, s.Stages.ProtectedHex}, {"deflatedHex", deflated,
		s.Stages.DeflatedHex}} {
		if stage.want != nil {
			sameBytes(t, stage.name, stage.got, stage.want)
		}
	}
}

// compareStages compares the two layers that are the same in every recording.
func (s *session) compareStages(t *testing.T, doc, stream []byte) {
	t.Helper()
	docSum, streamSum := sha256.Sum256(doc), sha256.Sum256(stream)
	for _, stage := range []struct {
		name      string
		got, want []byte
	}{
		{"nbfxHex", doc, s.Stages.NBFXHex}, {"nbfxSha256", docSum[:], s.Stages.NBFXSHA256},
		{"nrbfHex", stream, s.Stages.NRBFHex}, {"nrbfSha256", streamSum[:], s.Stages.NRBFSHA256},
	} {
		if stage.want != nil {
			sameBytes(t, stage.name, stage.got, stage.want)
		}
	}
}

// issue writes the token and compares every byte that .NET determines: the
// document, the stream and the envelope around the protected bytes. Without
// input it issues the token that was read, and reads it back.
func (s *session) issue(t *testing.T, read *sessiontoken.Token) {
	tok := read
	if s.Input != nil {
		tok = s.Input.token(t)
		doc, err := tokentest.Marshal(s.format, tok)
		if err != nil {
			t.Fatal(err)
		}
		s.compareStages(t, doc, nrbf.AppendSession(nil, doc))
	}
	store := mapStore{}
	codec := s.codec(t, reading(store))
	text, err := codec.Encode(context.Background(), tok)
	if err != nil {
		t.Fatal(err)
	}
	if s.Input != nil {
		s.compareEnvelope(t, text)
	}
	back, err := codec.Decode(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range differences("issued anew", describe(s.format, back),
		describe(s.format, read), true) {
		t.Error(difference)
	}
}

// compareEnvelope compares the XML of an issued cookie with the recorded one.
// The content of Cookie differs, since compressors do.
func (s *session) compareEnvelope(t *testing.T, text string) {
	t.Helper()
	got, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := base64.StdEncoding.DecodeString(s.text)
	if err != nil {
		t.Fatal(err)
	}
	if !s.reference() {
		head, _, tail, ok := cutCookie(got)
		_, content, _, okWant := cutCookie(want)
		if !ok || !okWant {
			t.Fatal("no Cookie in the XML")
		}
		got = slices.Concat(head, content, tail)
	}
	sameBytes(t, "XML issued", got, want)
}

// cutCookie cuts an envelope around the content of Cookie.
func cutCookie(xml []byte) (head, content, tail []byte, ok bool) {
	const start, end = `<Cookie xmlns="http://schemas.microsoft.com/ws/2006/05/security">`, `</Cookie>`
	i, j := bytes.Index(xml, []byte(start)), bytes.LastIndex(xml, []byte(end))
	if i < 0 || j < i+len(start) {
		return nil, nil, nil, false
	}
	i += len(start)
	return xml[:i], xml[i:j], xml[j:], true
}

// cacheKey wants the recorded key when the token goes into a store.
func (s *session) cacheKey(t *testing.T, read *sessiontoken.Token) {
	if s.CacheKey == nil {
		return
	}
	tok := *read
	tok.ReferenceMode = true
	store := mapStore{}
	codec := s.codec(t, &sessiontoken.SessionOptions{Endpoint: tok.EndpointID, Store: store})
	if _, err := codec.Encode(context.Background(), &tok); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(slices.Collect(maps.Keys(store)), " "); got != *s.CacheKey {
		t.Errorf("cacheKey %q, want %q", got, *s.CacheKey)
	}
}
