// Package sessiontoken reads and writes what the cookies of an ASP.NET farm
// say about a user. It takes and gives text; package cookie knows where the
// text travels, package machinekey who may read or write it.
//
// # Start here
//
// [NewSessionCodec] makes a codec for FedAuth cookies from a ring of keys. Its
// Decode gives a [Token], whose Principal is the signed-in user: Name, HasRole, First and All
// are what most services need. NewToken and Encode issue a cookie that the .NET nodes accept.
//
// The other credentials of a farm have codecs of the same shape, with Decode,
// Encode and ReadPrincipal:
//
//	FedAuth of WIF 4.5, WIF 1.0, with certificates   [SessionCodec]     [Token]
//	.ASPXAUTH                                        [FormsCodec]       [FormsTicket]
//	.AspNet.ApplicationCookie, bearer tokens         [KatanaCodec]      [KatanaTicket]
//	.AspNetCore.Cookies, tokens of AddBearerToken    [CoreCodec]        [CoreTicket]
//	.ASPXANONYMOUS                                   [AnonymousCodec]   [AnonymousID]
//
// A codec takes the ring and binds the purpose itself, so that no credential
// can be opened as another.
//
// # Renewal and stores
//
// cookie.Sessions renews sessions by the sliding rule of each framework.
//
// A [Store] holds what is not in the cookie: session tokens in reference mode, and the tickets
// of Katana's session store. [NewMemoryStore] is for one node, [NewTwoLevelStore] puts it in
// front of a store that nodes share. The subfolders redisstore and sqlstore are such stores, as
// modules of their own, and storetest is the test for any.
//
// # The session token
//
// A session token is what Windows Identity Foundation calls SessionSecurityToken: one or
// more identities with their claims, the time of validity, and the cookie path it was
// issued for. [SessionCodec] lists the six layers that the cookie's text wraps it in.
//
// Sources: System.IdentityModel.Tokens.SessionSecurityToken,
// SessionSecurityTokenHandler and DeflateCookieTransform of .NET Framework;
// [MS-NRBF] for the BinaryFormatter stream; [MC-NBFX] for binary XML.
//
// # Errors
//
// Until the data is authentic there is one error, [ErrInvalid], without
// detail. After that a [FormatError] says which layer and which byte. The
// sentinels are for errors.Is. No error holds any of the data.
//
// # What it does not do
//
// It never builds an object from a type name: the BinaryFormatter stream is compared with the
// one shape that a session token has. It does not read cookies of the default WIF handler, which
// are bound to one Windows machine ([ErrUnsupported]), nor Windows identities, which only
// Windows can rebuild. Replay is possible until a token expires, as in .NET.
package sessiontoken
