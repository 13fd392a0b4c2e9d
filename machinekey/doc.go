// Package machinekey protects and unprotects data as the nodes of an ASP.NET
// (.NET Framework) farm do with the <machineKey> they share: what a Go service
// protects they accept, and the other way round.
//
// The rules are those of System.Web's MachineKey.Protect and Unprotect, which
// since .NET 4.5 carry the WIF session cookie and every Katana cookie
// and token, and in compatibilityMode Framework45 the forms, role and
// anonymous cookies too. In the older modes, Framework20SP1 and SP2, these
// cookies follow other rules, and so does MachineKey.Encode in every mode: see
// [Ring.CookieProtector] and [Ring.EncodeProtector]. The rules
// were read in Microsoft's published reference source and are checked against
// values recorded from it.
//
// A [Config] is one <machineKey> element. [New] validates it and makes a
// [Key]; a [Ring] holds the key that writes and older ones that still read;
// [Ring.Protector] binds the ring to a purpose. [LoadRing] makes a ring from
// web.config files, and [Watch] keeps it up to date with one while the program
// runs. Start there:
//
//	ring, err := machinekey.LoadRing("web.config")  // or New and NewRing, for a key from elsewhere
//	p, err := ring.Protector(machinekey.UserPurpose, "Acme.Cart", "v1")
//	protected, err := p.Protect(nil, data)
//	data, keyID, err := p.Unprotect(ctx, nil, protected)
//
// The package does not know what the data means or how it travels: see the
// packages sessiontoken and cookie. It does not speak ASP.NET Core Data
// Protection or the Windows DPAPI. It never opens unauthenticated data, except
// through functions and options with Insecure in their name.
//
// [New] refuses keys that are publicly known, such as samples of documentation:
// a few are built in, and [KnownKeys] loads the thousands that Microsoft lists.
//
// A leaked machine key means more than forged cookies: .NET nodes deserialize
// what the key authenticates, so anyone who holds it can run code on them. Guard
// the Go host that holds it as you guard the IIS servers. Of this package only
// [Config.WebConfig] prints key bytes.
package machinekey
