package floor

import (
	"bytes"
	"sync"
)

// Store is the floor of a store in memory: a map under a lock, and a copy of
// the data each way. It bounds and expires nothing.
type Store struct {
	mu      sync.RWMutex
	entries map[string][]byte
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{entries: map[string][]byte{}} }

// Get returns a copy of the data under key.
func (s *Store) Get(key string) []byte {
	s.mu.RLock()
	data := s.entries[key]
	s.mu.RUnlock()
	return bytes.Clone(data)
}

// Put stores a copy of data.
func (s *Store) Put(key string, data []byte) {
	data = bytes.Clone(data)
	s.mu.Lock()
	s.entries[key] = data
	s.mu.Unlock()
}
