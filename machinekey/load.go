package machinekey

import "fmt"

// LoadRing returns a ring with the key of the web.config at path, which
// protects and unprotects, and the keys of older ones, which unprotect only.
// It is [LoadWebConfig], [New] and [NewRing] in one, for services whose only
// source of keys is such files. It refuses algorithms that need AllowInsecure
// and keys that need AllowKnownKey or AllowWeakKey. That includes older keys:
// anyone who knows a key that is only read can still sign in with it. A site that
// has such keys takes the three steps itself.
func LoadRing(path string, older ...string) (*Ring, error) {
	keys := make([]*Key, 0, 1+len(older))
	for _, p := range append([]string{path}, older...) {
		cfg, err := LoadWebConfig(p)
		if err != nil {
			return nil, fmt.Errorf("%w (in %s)", err, p)
		}
		key, err := New(cfg)
		if err != nil {
			return nil, fmt.Errorf("%w (in %s)", err, p)
		}
		keys = append(keys, key)
	}
	return NewRing(keys[0], keys[1:]...)
}
