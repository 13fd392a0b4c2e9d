//go:build !race

package machinekey_test

const raceEnabled = false
