// Package dotnet holds the few .NET primitives that several cookie formats
// share: ticks, GUIDs, UTF-16 text, and the little-endian integers and 7-bit
// lengths of System.IO.BinaryReader and BinaryWriter.
//
// The package is pure: it reads no clock, keeps no state, and its functions
// report bad data with a bool, which the caller turns into an error that says
// where it stood. Nothing here panics on data or allocates by a length that
// was not checked against the bytes at hand.
package dotnet
