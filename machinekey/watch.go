package machinekey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// WatchOptions are the choices of [Watch]. The zero value, as nil, is fit for
// use.
type WatchOptions struct {
	// Interval is the time between two looks at the file. Zero means 10
	// seconds.
	Interval time.Duration
	// FS, if not nil, is where the file is, in place of the machine's disks: path
	// is its name there, and a configSource may lead to any file of FS.
	FS fs.FS
	// KeepFor is how long a key that Watch has put into the ring is kept for
	// reading after another took its place: at least as long as the longest
	// session of the farm. Zero means 14 days, the default of a Katana cookie,
	// the longest-lived credential.
	KeepFor time.Duration
	// KeepOlder is how many of them are kept at most; the ones replaced first
	// go first. Zero means 4. Every key costs one HMAC per refused credential.
	KeepOlder int
	// Config, if not nil, changes what the file says before [New] sees it: it
	// sets what no file can, such as AllowInsecure and KnownKeys.
	Config func(*Config)
	// OnChange, if not nil, is told after the ring has changed: the key that
	// protected before and the one that protects now.
	OnChange func(old, now *Key)
	// OnError, if not nil, is told what is wrong with the file: once, until
	// the file is good again or has another fault. The text names the file
	// and holds no key.
	OnError func(error)
}

// Watch keeps ring up to date with the <machineKey> of the web.config at path,
// until ctx is done, and returns the reason; run it in a goroutine. It looks
// at once and then at every interval, and compares what the file and its
// configSource say, not their times, so that a copy or a touch changes nothing.
//
//	the file has             the ring
//	a new key                new, previous primary, older ones
//	a key of the ring        the same keys, that one first: what was known for
//	                         reading now writes, or a change is taken back
//	no key that can be used  is left alone; OnError is told
//
// Every change is one atomic step, see [Ring.Replace]. Watch removes only keys
// that it has added itself, by KeepFor and KeepOlder, and never those that the
// program put into the ring. It acts when the file changes: a ring that the
// program replaces meanwhile, to drop a leaked key, stays as it is.
//
// The file should be replaced by renaming a complete one. If a look falls into
// the middle of writing it, that is reported, and the next look mends it.
//
// Watch returns an error at once if ring has no keys, path is empty, or an
// option is negative.
func Watch(ctx context.Context, ring *Ring, path string, o *WatchOptions) error {
	w := &watcher{ring: ring, path: path}
	if o != nil {
		w.o = *o
	}
	switch {
	case ring == nil || ring.Primary() == nil:
		return errors.New("machinekey: the ring to watch for has no keys; use NewRing")
	case path == "":
		return errors.New("machinekey: no file to watch")
	case w.o.Interval < 0 || w.o.KeepFor < 0 || w.o.KeepOlder < 0:
		return errors.New("machinekey: an option of Watch is negative")
	}
	w.o.Interval = cmp.Or(w.o.Interval, 10*time.Second)
	w.o.KeepFor = cmp.Or(w.o.KeepFor, 14*24*time.Hour)
	w.o.KeepOlder = cmp.Or(w.o.KeepOlder, 4)
	ticker := time.NewTicker(w.o.Interval)
	defer ticker.Stop()
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		w.look()
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// watcher is the state of one Watch, which only its goroutine uses.
type watcher struct {
	ring  *Ring
	path  string
	o     WatchOptions
	seen  *Key   // what the file said last, nil before it said anything
	fault string // what was reported last, empty while the file is good
	added []addedKey
}

type addedKey struct {
	key      *Key
	replaced time.Time // when another became the primary; zero until then
}

// look brings the ring up to date once.
func (w *watcher) look() {
	key, err := w.load()
	if err == nil && (w.seen == nil || !w.seen.same(key)) {
		err = w.promote(key)
	}
	if retired := w.retire(time.Now()); err == nil { // also while the file is broken
		err = retired
	}
	if err == nil {
		w.fault = ""
		return
	}
	err = fmt.Errorf("%w (in %s)", err, w.path)
	if text := err.Error(); text != w.fault {
		w.fault = text
		if w.o.OnError != nil {
			w.o.OnError(err)
		}
	}
}

func (w *watcher) load() (*Key, error) {
	load := webconfig.Load
	if w.o.FS != nil {
		load = func(name string) (*webconfig.File, error) { return webconfig.LoadFS(w.o.FS, name) }
	}
	cfg, err := configOf(load(w.path))
	if err != nil {
		return nil, err
	}
	if w.o.Config != nil {
		w.o.Config(&cfg)
	}
	return New(cfg)
}

// promote makes key, or the same one of the ring, the primary, and keeps all
// others.
func (w *watcher) promote(key *Key) error {
	var old, now *Key
	err := w.ring.edit(func(keys []*Key) []*Key {
		old, now = keys[0], key
		if i := slices.IndexFunc(keys, key.same); i >= 0 {
			now = keys[i]
			keys = slices.Delete(keys, i, i+1)
		}
		return slices.Insert(keys, 0, now)
	})
	if err != nil {
		return err
	}
	w.seen = key
	if old == now {
		return nil
	}
	if now == key {
		w.added = append(w.added, addedKey{key: key})
	}
	if w.o.OnChange != nil {
		w.o.OnChange(old, now)
	}
	return nil
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
