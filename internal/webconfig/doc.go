// Package webconfig reads the web.config of an ASP.NET (.NET Framework) site:
// strictly, in bounded time and memory, and without any cryptography.
//
// One [Parse] serves every section:
//
//	bytes ── xmltree.Parse ──► elements ──► *File
//
//	File.HTTPRuntime            system.web/httpRuntime
//	File.MachineKey             system.web/machineKey
//	File.AppSettings            appSettings
//	File.Authentication         system.web/authentication
//	File.HTTPCookies            system.web/httpCookies
//	File.IdentityAndFederation  system.identityModel, system.identityModel.services,
//	                            microsoft.identityModel
//	File.Cora                   sequence.engine/web/session
//	File.Section                any other section
//
// A section is one small file that asks [File.Section] for the element, reads
// its attributes, and ends with [Section.Done], which refuses every attribute
// that was not asked for and proposes the right spelling. Faults are kept, and
// result reports the first one:
//
//	func (f *File) HTTPCookies() (HTTPCookies, error) {
//		s := f.Section("system.web", "httpCookies") // an absent section has only defaults
//		c := HTTPCookies{
//			HTTPOnly: s.Bool("httpOnlyCookies", false),
//			Domain:   s.Text("domain", ""),
//		}
//		s.Done()
//		return result(s.r, c)
//	}
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
