package cookie

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Reuse of sessions (reuseSession): a user who signs in again joins the session
// that he has already. All cookies of a session name one entry of the codec's
// store, and the entry has one ID. That is as secret as the cookie, so it is not
// in the key of the entry: it stands in the record of the user's latest session,
// a blank behind the id of the session.

// sharingUser is what users are told apart by who see each other's identity:
// the name and who gave it.
func sharingUser(p *sessiontoken.Principal) string {
	name := p.Name()
	if name == "" {
		return ""
	}
	id := &p.Identities[0]
	claim, _ := (&sessiontoken.Principal{Identities: p.Identities[:1]}).First(cmp.Or(id.NameClaimType, sessiontoken.ClaimTypeName))
	issuer := cmp.Or(claim.Issuer, dotnet.LocalAuthority)
	h := sha256.New()
	// Only ASCII letters are folded: to others that look alike, or have one
	// lower-case form, belong other names.
	folded := []byte(name)
	for i, c := range folded {
		if 'A' <= c && c <= 'Z' {
			folded[i] |= 0x20
		}
	}
	for _, text := range []string{string(folded), issuer, cmp.Or(claim.OriginalIssuer, issuer)} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		io.WriteString(h, text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sharedID is the id of a session and of its entry, for a record.
func sharedID(x *session) string { return x.id + " " + x.ticket.(*sessiontoken.Token).ID }

// join makes x one more browser of the session that its user has already, if
// there is one that was not ended.
func (s *Sessions) join(ctx context.Context, x *session, user string) (joined bool, err error) {
	latest, err := s.track.latest(ctx, user, nil)
	if err != nil || latest.id == "" {
		return false, err
	}
	contextID, id, ok := strings.Cut(latest.id, " ")
	if !ok { // of a time when sessions were not shared
		return false, nil
	}
	if _, ended, err := s.track.ended(ctx, contextID); err != nil || ended {
		return false, err
	}
	t := *x.ticket.(*sessiontoken.Token)
	t.ContextID, t.ID = secret.New([]byte(contextID)), id
	x.ticket, x.id = &t, contextID
	return true, nil
}

// joinableUntil is how long a record may last by which somebody could join a
// session again.
func (s *Sessions) joinableUntil() time.Time {
	return s.grace(s.traits.now().Add(s.o.MaxLifetime))
}
