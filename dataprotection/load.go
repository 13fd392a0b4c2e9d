package dataprotection

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// state is what one reading of the repository gave. It never changes.
type state struct {
	entries []*entry
	byID    map[guid]*entry
	leftOut []Key // what is no key, with Err
	chosen  atomic.Pointer[choice]

	count, size   int       // of all elements
	revokedBefore time.Time // keys created before that are revoked
}

type entry struct {
	*key
	revoked bool
}

func (e *entry) usable() bool { return !e.revoked && e.Err == nil }

// load reads the repository. Keys whose element has not changed are taken over
// from the present state, so that nothing is decrypted twice.
func (r *Ring) load(ctx context.Context) (*state, error) {
	l := loader{ring: r, ctx: ctx, known: map[[sha256.Size]byte]*key{},
		state: &state{byID: map[guid]*entry{}}, revoked: map[guid]bool{}}
	if before := r.state.Load(); before != nil {
		for _, e := range before.entries {
			if !e.retry {
				l.known[e.digest] = e.key
			}
		}
	}
	var failed error // also if the repository does not pass it on
	err := r.repository.Elements(ctx, func(name string, data []byte) error {
		if failed == nil {
			failed = l.add(name, data)
		}
		return failed
	})
	var at *RingError
	switch {
	case failed != nil:
		return nil, failed
	case errors.As(err, &at):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("dataprotection: reading the key ring: %w", err)
	}
	for _, e := range l.state.entries {
		e.revoked = l.revoked[e.id] || e.Created.Before(l.state.revokedBefore)
	}
	return l.state, nil
}

// loader gathers the elements of one reading.
type loader struct {
	ring    *Ring
	ctx     context.Context
	known   map[[sha256.Size]byte]*key
	state   *state
	revoked map[guid]bool // single keys
}

// add takes one element of the repository (XmlKeyManager.GetAllKeys).
func (l *loader) add(name string, data []byte) error {
	if err := l.ctx.Err(); err != nil {
		return fmt.Errorf("dataprotection: reading the key ring: %w", err)
	}
	l.state.count++
	l.state.size += len(data)
	switch {
	case l.state.count > maxElements:
		return &RingError{Err: fmt.Errorf("%w: more than %d elements", xmltree.ErrLimit, maxElements)}
	case len(data) > maxElement:
		return &RingError{File: name, Err: tooLong(len(data))}
	case l.state.size > maxRing:
		return &RingError{Err: fmt.Errorf("%w: more than %d bytes in all", xmltree.ErrLimit, maxRing)}
	}
	digest := sha256.Sum256(data)
	if k := l.known[digest]; k != nil {
		return l.addKey(name, k)
	}
	e, err := parseElement(data)
	if err != nil {
		return &RingError{File: name, Err: err}
	}
	switch {
	case isRevocation(e):
		if err := l.addRevocation(e); err != nil {
			return &RingError{File: name, Element: "revocation", Err: err}
		}
	case isKey(e):
		k, err := parseKey(e)
		if err != nil {
			id, _ := e.Attr("id")
			at := &RingError{File: name, Element: "key " + quote(id), Err: err}
			l.state.leftOut = append(l.state.leftOut, Key{Err: at})
			return nil
		}
		k.digest = digest
		l.ring.prepare(l.ctx, k, e, name)
		return l.addKey(name, k)
	}
	return nil // .NET skips other elements too
}

func parseElement(data []byte) (*xmltree.Element, error) {
	return xmltree.Parse(data, xmltree.Limits{
		Bytes: maxElement, Elements: maxParts, Depth: maxDepth})
}

// quote quotes a name of a document for an error, as far as an error should.
func quote(name string) string {
	if len(name) > maxQuoted {
		return strconv.Quote(name[:maxQuoted]) + "…"
	}
	return strconv.Quote(name)
}

func (l *loader) addKey(name string, k *key) error {
	if l.state.byID[k.id] != nil {
		return &RingError{File: name, Element: "key " + k.ID,
			Err: errors.New("a key of this id is already in the ring; remove one")}
	}
	e := &entry{key: k}
	l.state.byID[k.id] = e
	l.state.entries = append(l.state.entries, e)
	return nil
}

func isRevocation(e *xmltree.Element) bool { return e.Is("", "revocation") }

// addRevocation notes a revocation, of one key or of all that were created
// before a date (XmlKeyManager.ProcessRevocationElement).
func (l *loader) addRevocation(e *xmltree.Element) error {
	k := e.Child("", "key")
	if k == nil {
		return errors.New("no element key")
	}
	text, _ := k.Attr("id")
	if text != "*" {
		id, ok := parseGUID(text)
		if !ok {
			return fmt.Errorf("the id %s of its key is no GUID", quote(text))
		}
		l.revoked[id] = true
		return nil
	}
	date := e.Child("", "revocationDate")
	if date == nil {
		return errors.New("no revocationDate, up to which all keys are revoked")
	}
	at, ok := parseDate(date.Text)
	if !ok {
		return errors.New("the revocationDate is no date")
	}
	if at.After(l.state.revokedBefore) {
		l.state.revokedBefore = at
	}
	return nil
}
