//go:build !race

package flate

// raceEnabled is explained beside its other value.
const raceEnabled = false
