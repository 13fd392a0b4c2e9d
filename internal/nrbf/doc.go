// Package nrbf reads and writes the two BinaryFormatter streams that a WIF
// 4.5 session token travels in, and no other: that of a SessionSecurityToken,
// whose single member is the token document, and that of a BootstrapContext
// inside it. The format is [MS-NRBF]; sections 2.2 to 2.6 hold the records.
//
// A reader of arbitrary streams builds whatever class the bytes name, which
// is how a leaked machine key becomes code execution on a .NET server. This
// package has no such reader. Both streams are the same bytes every time but
// for one length and one payload, so a stream is compared with those bytes
// and refused unless all of them agree. What is accepted, written again,
// gives the same bytes.
//
// The record numbers are looked at only to say why a stream was refused.
package nrbf
