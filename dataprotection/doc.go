// Package dataprotection protects and unprotects data as the nodes of an
// ASP.NET Core farm do with the key ring they share: what a Go service
// protects they accept, and the other way round.
//
// The rules are those of Microsoft.AspNetCore.DataProtection. They were read
// in Microsoft's published source and are checked against values recorded from
// .NET 10. Start here:
//
//	ring, err := dataprotection.Open(ctx, dataprotection.Path("/var/keys"), &dataprotection.RingOptions{
//		ApplicationName: "SharedCookieApp", // as in SetApplicationName
//	})
//	p, err := ring.Protector("Acme.Cart", "v1")
//	protected, err := p.Protect(nil, data)
//	data, keyID, err := p.Unprotect(ctx, nil, protected)
//
// A [Ring] is read from a [Repository]: a folder or file ([Path]), bytes
// ([Document]), or anything that has XML elements, such as a Redis list or a
// database table (NewKeyRing of sessiontoken/redisstore and
// sessiontoken/sqlstore). It holds keys, of which the time says which one protects;
// all but revoked ones still open. Keys may be encrypted with a certificate
// (RingOptions.Certificates) or by a service that your code asks
// (RingOptions.Decrypt).
//
// The ring follows the farm: it is read again at an interval, and when
// protected data names a key that it does not know. It makes no key unless it is
// told to, as a .NET node with DisableAutomaticKeyGeneration: by RingOptions.KeepAhead
// or by [Ring.Keep], which follow .NET's rule, or by [Ring.NewKey]. [Ring.Revoke]
// revokes keys.
//
// Where this package is stricter than .NET, on purpose:
//
//   - A master key of fewer than 32 bytes is refused: .NET takes an empty one,
//     with which everybody could forge cookies.
//   - Documents are UTF-8 without a DTD, within the bounds of limits.go.
//   - Dates are a date, or a date and a time. Without an offset they are UTC;
//     in .NET they are local time.
//
// Keys made for Windows CNG open here on every system; in .NET on Windows only.
// What DPAPI has encrypted does not: see the error's text.
//
// A leaked ring means forged cookies for the whole farm. Nothing of a master
// key is ever printed. The package knows neither what the data means nor how it
// travels: see the packages sessiontoken and cookie.
package dataprotection
