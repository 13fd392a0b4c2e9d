package cookie

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/internal/seal"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// markerName is the cookie that tells a copy from its original.
const markerName = ".webfarm.bridge"

// purposeBridge is this library's own; .NET has nothing of the kind.
const purposeBridge = "github.com/webfarm-go/webfarm/cookie.BridgeOptions"

// marker links the cookies of two halves. Its cookie is sealed with the keys of
// the old half. It goes where both cookies go and no further, so that a
// browser that sends it would send them too: with it, a missing cookie is proof
// that it was deleted.
type marker struct {
	original        int       // half
	issued, expires time.Time // of the original's ticket
	began           time.Time // the sign-in
	ends            time.Time // the absolute end of the bridged session, or zero
	halves          [2]trace
	openedBy        string
}

// trace is what a marker knows of one cookie.
type trace struct {
	sum     digest // of its text
	carried bool   // the ticket carries the id; else the id is a hash of it
	id      string // of the session, for the note that it was ended
	user    string // a hash; empty for a user without a name
	key     string // that opened it
}

// userHash tells users apart as OnePerUser does.
func userHash(p *sessiontoken.Principal) string {
	name := p.Name()
	if name == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(fold.ToUpper(name)))
	return string(sum[:16])
}

// append writes the marker:
//
//	1 byte               version, 1
//	1 byte               the half of the original: 0 the old one, 1 ASP.NET Core
//	4 varint             issued, expires, began, ends in seconds since 1970
//	twice                for the old half and ASP.NET Core:
//	  32 bytes, 1 byte   SHA-256 of the text, and 1 if the ticket carries its id
//	  3 uvarint n, n     the id, the hash of the user, the id of the key
func (m *marker) append(dst []byte) []byte {
	dst = append(dst, 1, byte(m.original))
	for _, at := range []time.Time{m.issued, m.expires, m.began, m.ends} {
		dst = binary.AppendVarint(dst, at.Unix())
	}
	for _, t := range m.halves {
		carried := byte(0)
		if t.carried {
			carried = 1
		}
		dst = append(append(dst, t.sum[:]...), carried)
		for _, text := range []string{t.id, t.user, t.key} {
			dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
		}
	}
	return dst
}

// parseMarker reads what append wrote, and nothing else.
func parseMarker(data []byte) (*marker, bool) {
	if len(data) < 2 || data[0] != 1 || data[1] > 1 {
		return nil, false
	}
	m := &marker{original: int(data[1])}
	texts := string(data) // which they share
	data = data[2:]
	for _, at := range []*time.Time{&m.issued, &m.expires, &m.began, &m.ends} {
		seconds, n := binary.Varint(data)
		if n <= 0 {
			return nil, false
		}
		*at, data = time.Unix(seconds, 0).UTC(), data[n:]
	}
	for i := range m.halves {
		t := &m.halves[i]
		if len(data) < len(t.sum)+1 || data[len(t.sum)] > 1 {
			return nil, false
		}
		copy(t.sum[:], data)
		t.carried = data[len(t.sum)] == 1
		data = data[len(t.sum)+1:]
		for _, text := range []*string{&t.id, &t.user, &t.key} {
			length, n := binary.Uvarint(data)
			if n <= 0 || length > uint64(len(data)-n) {
				return nil, false
			}
			data = data[n+int(length):]
			end := len(texts) - len(data)
			*text = texts[end-int(length) : end]
		}
	}
	return m, len(data) == 0
}

// readMarker returns the marker of a request, or nil. One that cannot be read
// proves nothing, and counts as none. The error matches ErrUnavailable if the
// keys are away.
func (b *bridge) readMarker(r *http.Request) (*marker, error) {
	text, err := chunks.Single.Join(r, markerName)
	if err != nil || len(text) > chunks.MaxCookieSize {
		return nil, nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, nil
	}
	data, key, err := b.protector.Unprotect(r.Context(), nil, sealed)
	switch {
	case errors.Is(err, seal.ErrUnprotect):
		return nil, nil
	case err != nil:
		return nil, classify(err)
	}
	m, ok := parseMarker(data)
	if !ok {
		return nil, nil
	}
	m.openedBy = key
	return m, nil
}

// writeMarker adds a marker to the response, or its deletion if m is nil.
func (b *bridge) writeMarker(w http.ResponseWriter, r *http.Request, m *marker, persistent bool) error {
	c := b.template
	c.Secure = c.Secure || b.halves[oldHalf].isTLS(r)
	if m == nil {
		c.MaxAge, c.Expires = -1, time.Unix(1, 0).UTC()
	} else {
		sealed, err := b.protector.Protect(nil, m.append(nil))
		if err != nil {
			return err
		}
		c.Value = base64.RawURLEncoding.EncodeToString(sealed)
		if persistent {
			c.Expires = m.expires
		}
	}
	lines, err := chunks.Single.Lines([]*http.Cookie{&c})
	if err != nil {
		return err
	}
	h := w.Header()
	h["Set-Cookie"] = append(slices.DeleteFunc(slices.Clone(h["Set-Cookie"]), isMarker), lines...)
	noCache(h, "no-cache", "-1")
	return nil
}

// isMarker reports whether a Set-Cookie line is of the marker.
func isMarker(line string) bool { return nameOf(line) == markerName }

// markerTemplate returns the attributes of the marker: the narrower of each.
func markerTemplate(a, b *http.Cookie) http.Cookie {
	strict := map[http.SameSite]int{http.SameSiteNoneMode: -1, http.SameSiteLaxMode: 1,
		http.SameSiteStrictMode: 2}
	c := http.Cookie{Name: markerName, Path: a.Path, Domain: a.Domain, HttpOnly: true,
		Secure: a.Secure || b.Secure, SameSite: a.SameSite}
	if cmp.Less(strict[a.SameSite], strict[b.SameSite]) {
		c.SameSite = b.SameSite
	}
	return c
}

// note notes in the stores of both halves that the sessions of a marker were
// ended. Those that nothing can be alive of are left out.
func (b *bridge) note(ctx context.Context, m *marker) error {
	for i, s := range b.halves {
		if s.track == nil || m.halves[i].id == "" || s.grace(m.expires).Before(s.traits.now()) {
			continue
		}
		f := found{session: session{id: m.halves[i].id, began: m.began, ends: m.ends,
			issued: m.issued, expires: m.expires}}
		if err := s.note(ctx, &f); err != nil {
			return classify(err)
		}
	}
	return nil
}
