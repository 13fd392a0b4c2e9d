//go:build !race

// Package race tells tests whether the race detector runs.
package race

// Enabled is false: the race detector does not run.
const Enabled = false
