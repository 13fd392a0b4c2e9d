//go:build race

package flate

// raceEnabled says that sync.Pool drops entries at random, so that allocations
// cannot be counted.
const raceEnabled = true
