// Package sessiontoken reads and writes what the cookies of an ASP.NET farm
// say: the WIF session token of the FedAuth cookie, with its identities,
// claims and times.
package sessiontoken
