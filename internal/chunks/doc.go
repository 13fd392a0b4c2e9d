// Package chunks spreads a text over several cookies and joins it again, as
// ChunkedCookieHandler of System.IdentityModel.Services and the two chunking
// cookie managers of Katana do. It reads the header Cookie as
// HttpCookieCollection of System.Web does, and writes a set of cookies whole or
// not at all.
//
// Errors begin with the name of package cookie, whose users see them.
package chunks
