// Package site resolves what decides about the credentials of one site into
// one value, once: the web.config of ASP.NET, or a key alone, and what is said
// in Go because .NET has it in code.
//
//	path │ io.Reader │ fs.FS │ Key      Options
//	          │                            │
//	          └────────────┬───────────────┘
//	                     *Site ── Key          the machine key and the mode
//	                       │
//	                       ├───── Session, Forms, Roles, Anonymous, Katana, Bearer, SQSession
//	                       │        *Credential: each setting with its value, its default
//	                       │        and where it was said
//	                       ├───── Warnings     legal, and doubtful
//	                       └───── Faults       .NET would not start
//
// A Site is complete whatever is wrong with the file: a section with a fault
// leaves .NET's defaults, and a doctor can look further. [Site.Err] says whether
// the site would run.
//
// The settings are one table, see properties. Nothing here knows a cipher, a
// key ring or HTTP: algorithms and attributes are named as .NET spells them.
package site
