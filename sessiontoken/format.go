package sessiontoken

import "fmt"

// Format is the generation of WIF whose tokens a codec reads and writes. It is
// configured and never guessed: the two documents look alike but number their
// names differently.
// Package internal/wif lists the differences. Envelope, chunks, times and checks
// are the same.
type Format uint8

// The two generations.
const (
	WIF45 Format = iota // System.IdentityModel, .NET 4.5 and later
	WIF10               // Microsoft.IdentityModel, WIF 1.0 for .NET 3.5 and 4.0
)

// String returns "WIF 4.5" or "WIF 1.0".
func (f Format) String() string {
	switch f {
	case WIF45:
		return "WIF 4.5"
	case WIF10:
		return "WIF 1.0"
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}
