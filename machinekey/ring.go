package machinekey

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"weak"
)

// Ring is the set of keys in use. The first key, the primary, protects; all
// keys unprotect, in order. A farm changes its key without signing anybody
// out by putting the new key first and keeping the old one until the last
// cookie made with it has expired.
//
// A Ring is safe for concurrent use and prints without key bytes. The zero
// value has no keys and makes no protectors.
type Ring struct {
	mu   sync.Mutex
	keys []*Key // primary first; replaced as a whole, never modified
	// wrote has the ids of the older keys that were primary before.
	wrote map[string]bool

	// live finds the protectors in use, which Replace has to change. The
	// pointers are weak, so that a program that makes purposes at run time,
	// say one per user, does not collect them here for ever.
	live    map[use]weak.Pointer[binding]
	sweepAt int // size of live at which dropped protectors are removed
}

// NewRing returns a ring that protects with primary and unprotects with
// primary and the older keys, tried in this order. Every key that is tried
// costs one HMAC over the data.
func NewRing(primary *Key, older ...*Key) (*Ring, error) {
	keys, err := keyList(primary, older)
	if err != nil {
		return nil, err
	}
	return &Ring{keys: keys}, nil
}

// Replace puts other keys in the place of all the present ones. Protectors
// already handed out follow: a call of theirs sees either only the present
// keys or only the new ones. If a new key cannot serve a protector that is in
// use, Replace returns the [*ConfigError] with which the ring would refuse to
// make it, and changes nothing.
func (r *Ring) Replace(primary *Key, older ...*Key) error {
	keys, err := keyList(primary, older)
	if err != nil {
		return err
	}
	return r.edit(func([]*Key) []*Key { return keys })
}

// edit is [Ring.Replace] with keys that depend on the present ones, in one
// step: nothing that Replace does meanwhile is undone. The function gets a
// copy, primary first, and returns it changed.
func (r *Ring) edit(change func(keys []*Key) []*Key) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := change(slices.Clone(r.keys))
	if slices.Equal(keys, r.keys) {
		return nil
	}
	next := make(map[*binding][]*bound)
	for use, pointer := range r.live {
		b := pointer.Value()
		if b == nil {
			continue
		}
		all, err := use.bindAll(keys, *b.bound.Load())
		if err != nil {
			return err
		}
		next[b] = all
	}
	wrote := make(map[string]bool)
	for _, k := range keys[1:] {
		wrote[k.id] = r.wrote[k.id] || k.id == r.keys[0].id
	}
	r.wrote, r.keys = wrote, keys
	for b, all := range next {
		b.bound.Store(&all)
	}
	return nil
}

// Primary returns the key that protects, nil for the zero Ring.
func (r *Ring) Primary() *Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.keys) == 0 {
		return nil
	}
	return r.keys[0]
}

// KeyStatus says of a key with this [Key.ID] whether the ring still has it, and
// whether what it protected should be protected anew: it is older now and was
// the primary before. A key that is only known for reading may be the next
// primary: other nodes protect with it already, and their data must be left as
// it is.
func (r *Ring) KeyStatus(keyID string) (known, renew bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, k := range r.keys {
		if k.id == keyID {
			return true, i > 0 && r.wrote[keyID]
		}
	}
	return false, false
}

// Keys returns the keys, the primary first.
func (r *Ring) Keys() []*Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.keys)
}

// String describes r by the IDs of its keys.
func (r *Ring) String() string {
	var ids []string
	for _, k := range r.Keys() {
		ids = append(ids, k.id)
	}
	return fmt.Sprintf("machinekey.Ring{keys=%v}", ids)
}

// bind returns the binding of a use that is alive, or else a new one.
func (r *Ring) bind(u use) (Protector, error) {
	if r == nil {
		return nil, errNoKeys
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.keys) == 0 {
		return nil, errNoKeys
	}
	if b := r.live[u].Value(); b != nil {
		return b, nil
	}
	all, err := u.bindAll(r.keys, nil)
	if err != nil {
		return nil, err
	}
	b := &binding{use: u}
	b.bound.Store(&all)
	// The map is swept whenever it has doubled, so that its size follows the
	// number of protectors in use.
	if len(r.live) >= r.sweepAt {
		maps.DeleteFunc(r.live, func(_ use, p weak.Pointer[binding]) bool { return p.Value() == nil })
		r.sweepAt = 2*len(r.live) + 16
	}
	if r.live == nil {
		r.live = make(map[use]weak.Pointer[binding])
	}
	r.live[u] = weak.Make(b)
	return b, nil
}

func keyList(primary *Key, older []*Key) ([]*Key, error) {
	keys := append([]*Key{primary}, older...)
	for i, k := range keys {
		if k == nil || k.id == "" {
			return nil, fmt.Errorf("machinekey: key %d of %d was not made by New", i+1, len(keys))
		}
	}
	return keys, nil
}
