package katana

import "github.com/webfarm-go/webfarm/internal/dotnet"

// Katana's session store (CookieAuthenticationOptions.SessionStore). The
// cookie holds a ticket that only refers to the real one:
//
//	authentication type   the one of the middleware
//	one claim             SessionID, the key of the entry
//	no properties         the times are those of the real ticket
//
// What Katana puts under the key is up to the site's own code. Here it is,
// inside a protection of its own,
//
//	string   the key again, so that entries cannot change places
//	ticket   the bytes of the real ticket

// SessionID is the type of the claim by which a ticket refers to a store. A Katana without a
// store takes such a ticket for an identity with this claim that never expires.
const SessionID = "Microsoft.Owin.Security.Cookies-SessionId"

// AppendEntryKey begins an entry of the store. The ticket follows.
func AppendEntryKey(dst []byte, key string) []byte {
	return append(dotnet.AppendUint7(dst, len(key)), key...)
}

// CutEntryKey takes the key off an entry, and reports whether it is this one.
func CutEntryKey(entry []byte, key string) ([]byte, bool) {
	r := dotnet.Reader(entry)
	var n int
	var inside []byte
	if !r.ReadUint7(&n) || !r.ReadBytes(&inside, n) {
		return nil, false
	}
	return r, string(inside) == key
}
