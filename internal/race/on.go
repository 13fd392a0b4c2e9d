//go:build race

package race

// Enabled is true: sync.Pool drops entries at random, so allocations cannot
// be counted.
const Enabled = true
