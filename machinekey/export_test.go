package machinekey

// Len returns the number of different keys in the list.
func (l *KnownKeyList) Len() int { return len(l.keys) }

// Source says where a key is published.
func (l *KnownKeyList) Source(key Secret) string { return l.source(key) }
