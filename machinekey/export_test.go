package machinekey

import "github.com/webfarm-go/webfarm/internal/netfx"

// Len returns the number of different keys in the list.
func (l *KnownKeyList) Len() int { return len(l.keys) }

// Source says where a key is published.
func (l *KnownKeyList) Source(key Secret) string { return l.source(key) }

// Settings are those of the legacy formats.
func (k *Key) Settings() netfx.Settings { return k.cfg.settings(k.cfg.cipher()) }
