package machinekey

import (
	"slices"
	"time"
)

// promote makes the key of r that is the same as key the primary, or key
// itself if there is none, and keeps all others. It returns the primary before
// and after.
func (r *Ring) promote(key *Key) (old, now *Key, err error) {
	err = r.edit(func(keys []*Key) []*Key {
		old, now = keys[0], key
		if i := slices.IndexFunc(keys, key.same); i >= 0 {
			now = keys[i]
			keys = slices.Delete(keys, i, i+1)
		}
		return slices.Insert(keys, 0, now)
	})
	return old, now, err
}

// retire removes the keys that the watcher has added and that were replaced
// too long ago or by too many others.
func (w *watcher) retire(now time.Time) error {
	var drop []*Key
	err := w.ring.edit(func(keys []*Key) []*Key {
		drop = w.overdue(keys, now)
		return slices.DeleteFunc(keys, func(k *Key) bool { return slices.Contains(drop, k) })
	})
	if err != nil {
		return err
	}
	w.added = slices.DeleteFunc(w.added,
		func(a addedKey) bool { return slices.Contains(drop, a.key) })
	return nil
}

// overdue notes which of the added keys are no longer the primary, the first
// of keys, and returns those to be dropped. Keys that the program has taken
// out of the ring are forgotten.
func (w *watcher) overdue(keys []*Key, now time.Time) []*Key {
	w.added = slices.DeleteFunc(w.added,
		func(a addedKey) bool { return !slices.Contains(keys, a.key) })
	var older []addedKey
	for i := range w.added {
		a := &w.added[i]
		switch {
		case a.key == keys[0]:
			a.replaced = time.Time{}
			continue
		case a.replaced.IsZero():
			a.replaced = now
		}
		older = append(older, *a)
	}
	slices.SortStableFunc(older, func(a, b addedKey) int { return a.replaced.Compare(b.replaced) })
	var drop []*Key
	for i, a := range older {
		if len(older)-i > w.o.KeepOlder || now.Sub(a.replaced) >= w.o.KeepFor {
			drop = append(drop, a.key)
		}
	}
	return drop
}

// same reports whether k and other serve every purpose alike.
func (k *Key) same(other *Key) bool {
	a, b := k.cfg, other.cfg
	return a.ValidationKey.Equal(b.ValidationKey) && a.DecryptionKey.Equal(b.DecryptionKey) &&
		a.Validation == b.Validation && a.Decryption == b.Decryption && a.Mode == b.Mode
}
