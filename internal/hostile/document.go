package hostile

import (
	"slices"

	"github.com/webfarm-go/webfarm/internal/nbfx"
)

// Names is a dictionary of binary XML, such as nbfx.Session45.
type Names []string

// ID returns the index of a name, -1 if there is none.
func (n Names) ID(name string) int { return slices.Index(n, name) }

// Document returns a session token's document whose head is good and whose
// identities are written by f.
func (n Names) Document(f func(w *nbfx.Writer)) ([]byte, error) {
	var w nbfx.Writer
	w.Reset(nil, n)
	text := func(name, s string) {
		w.StartDict(n.ID(name))
		w.Text(s)
		w.End()
	}
	w.StartDict(n.ID("SessionToken"))
	text("Version", "1")
	text("SecureConversationVersion", "http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512")
	text("Id", "_id1")
	text("ContextId", "urn:x:1")
	w.StartDict(n.ID("Key"))
	w.End()
	for _, name := range []string{"EffectiveTime", "ExpiryTime", "KeyEffectiveTime", "KeyExpiryTime"} {
		w.StartDict(n.ID(name))
		w.Int64(638_396_640_000_000_000)
		w.End()
	}
	w.StartDict(n.ID("ClaimsPrincipal"))
	w.StartDict(n.ID("Identities"))
	f(&w)
	w.End()
	w.End()
	w.End()
	return w.Done()
}
