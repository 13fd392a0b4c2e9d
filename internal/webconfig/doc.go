// Package webconfig reads the web.config of an ASP.NET (.NET Framework) site:
// strictly, in bounded time and memory, and without any cryptography.
//
// [Parse] makes a tree of elements, a [File], and a method of that reads each
// section. A section is one small file, of which httpcookies.go is the shortest:
// it asks [File.Section] for the element, reads its attributes, and ends with
// [Section.Done], which refuses every attribute that was not asked for and
// proposes the right spelling. Faults are kept, and result reports the first one.
//
// The rules are those of System.Configuration: names are case sensitive, a
// section may stand directly under <configuration> or in a <location> of the
// application itself, configSource moves a section into a file of its own, and
// an encrypted section is an error that names the remedy. Inheritance from
// machine.config and parent sites is out of sight of one file.
//
// Every error is an [*Error] with a stable code. Values that may be keys are
// never part of it.
package webconfig
