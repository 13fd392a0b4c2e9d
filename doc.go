// Package webfarm lets Go services join an ASP.NET web farm: they read the
// cookies that .NET nodes issue, and issue cookies that those nodes accept, with
// nothing but the keys that the farm already shares: the <machineKey> of .NET
// Framework, the key ring of ASP.NET Core, or both.
//
// This package holds no code. The library is four packages in a line of three,
// each importing only those below it:
//
//	an HTTP request
//	     │
//	 cookie         WHERE does it travel?   names, chunks, sessions, middleware
//	     │ text
//	 sessiontoken   WHAT does it say?       session token, claims, principal
//	     │ bytes
//	 machinekey     WHO may read or write it?  keys, purposes, web.config
//	 dataprotection WHO may read or write it?  the key ring of ASP.NET Core
//
// A web service starts with LoadSite of package
// [github.com/webfarm-go/webfarm/cookie]: it reads the site's web.config and
// gives middleware that knows who is signed in, sessions to sign users in and
// out with, and Watch, which follows the keys of the file. Start with
// [github.com/webfarm-go/webfarm/sessiontoken] where the cookie's text is
// already at hand, and with [github.com/webfarm-go/webfarm/machinekey] for
// MachineKey.Protect and Unprotect alone, or
// [github.com/webfarm-go/webfarm/dataprotection] for what IDataProtector does.
//
// Sessions that stay on the server need a store: package sessiontoken has one
// in memory, and the modules
// github.com/webfarm-go/webfarm/sessiontoken/redisstore and
// github.com/webfarm-go/webfarm/sessiontoken/sqlstore keep it where all Go
// nodes see it.
//
// The command webfarm is for operators. It shows what is in a cookie
// (inspect), says why a node refuses it (doctor), makes cookies (issue) and
// keys (keygen), tells proxies who the user is, for services that are not
// written in Go (serve), and shows all of it with no set-up (demo).
//
// Out of scope: view state, the Windows DPAPI, and any use of BinaryFormatter:
// a stream of that format is compared with the one shape that a session token
// has, and no object is ever built from a type name.
package webfarm
