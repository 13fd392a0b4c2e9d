// Package webfarm lets Go services join an ASP.NET web farm: they read the
// cookies that .NET Framework nodes issue, and issue cookies that those nodes
// accept, with nothing but the <machineKey> that the farm already shares.
//
// This package holds no code. The library is three packages in one line, each
// importing only the one below it:
//
//	an HTTP request
//	     │
//	 cookie         WHERE does it travel?   names, chunks, middleware
//	     │ text
//	 sessiontoken   WHAT does it say?       session token, claims, principal
//	     │ bytes
//	 machinekey     WHO may read or write it?  keys, purposes, web.config
//
// Start with [github.com/webfarm-go/webfarm/cookie] for a web service, with
// [github.com/webfarm-go/webfarm/sessiontoken] where the cookie's text is
// already at hand, and with [github.com/webfarm-go/webfarm/machinekey] for
// MachineKey.Protect and Unprotect alone. The command webfarm inspects and
// issues cookies from a terminal.
//
// Out of scope: ASP.NET Core Data Protection (another format, with its own
// key ring), view state, the Windows DPAPI, and any use of BinaryFormatter:
// a stream of that format is compared with the one shape that a session token
// has, and no object is ever built from a type name.
package webfarm
