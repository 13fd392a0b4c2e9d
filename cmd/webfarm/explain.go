package main

import (
	"errors"
	"strings"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// layerText says in plain words what a layer is and what usually makes it
// refuse a cookie.
type layerText struct {
	name    string // as package sessiontoken calls it
	code    string // short and stable, for -json and the margin
	what    string
	refused string
	reasons []string
}

// layerTexts are the layers from the outside to the inside.
var layerTexts = []layerText{{
	code:    "cookie",
	refused: "The request does not carry this cookie.",
	reasons: []string{
		"the user is not signed in, or the cookie has expired in the browser",
		"the site calls its cookie otherwise: see name in <cookieHandler>, and -name",
		"the cookie is for another path or domain, or Secure and the request was plain http",
		"the first chunk was lost; a numbered chunk alone is not read",
	},
}, {
	name:    "text (base64)",
	code:    "text",
	what:    "the chunks joined: base64",
	refused: "The text is not base64 from end to end.",
	reasons: []string{
		"it was cut, or something was added, when it was copied",
		"it is not a session cookie of WIF but of another kind: see -name",
	},
}, {
	name:    "envelope (XML)",
	code:    "envelope",
	what:    "XML <SecurityContextToken>: names and sealed bytes, not yet trusted",
	refused: "The text is base64, but not of the XML element SecurityContextToken, complete and nothing behind it.",
	reasons: []string{
		"a chunk is missing at the end, or a chunk of an older, longer session was glued to it",
		"it was cut when it was copied",
		"it is not a session cookie of WIF but of another kind: see -name",
	},
}, {
	name:    "machine key",
	code:    "machine-key",
	what:    "sealed with MachineKey.Protect: authentic",
	refused: "The sealed bytes were not made with this machine key, or were changed since.",
	reasons: []string{
		"this web.config has another <machineKey> than the node that issued the cookie: compare key ids, also with machine.config and parent sites",
		"the key was changed after the cookie was issued: repeat -config with the old file to find out",
		"validation or decryption names another algorithm than on the issuing node",
		"the site does not use MachineKeySessionSecurityTokenHandler but certificates (RSA transforms) or a handler of its own, or it is a WIF 1.0 site (Microsoft.IdentityModel)",
		"the cookie was changed: one character is enough",
	},
}, {
	name:    "store",
	code:    "store",
	what:    "a reference: the token is kept on the server",
	refused: "The cookie only names a session. The session itself is in the token cache of the .NET nodes, so there is nothing to open here.",
	reasons: []string{
		"the site sets IsReferenceMode; with a store shared by all nodes Go services can follow, see sessiontoken.Store",
	},
}, {
	name:    "deflate",
	code:    "deflate",
	what:    "compressed (RFC 1951)",
	refused: "The bytes are authentic, but not compressed as WIF does it, or longer than 1 MiB inside.",
	reasons: []string{
		"the site has its own list of cookie transforms, without DeflateCookieTransform",
	},
}, {
	name:    "nrbf",
	code:    "nrbf",
	what:    "BinaryFormatter stream: one SessionSecurityToken, compared and not deserialized",
	refused: "The bytes are authentic, but not the stream that WIF 4.5 writes for a SessionSecurityToken.",
	reasons: []string{
		"the site is a WIF 1.0 site (Microsoft.IdentityModel), which has no such stream, or has a token class of its own",
		"somebody who knows the machine key made it: a .NET node would build whatever object it names. If the key may have leaked, change it first and look then",
	},
}, {
	name:    "nbfx",
	code:    "nbfx",
	what:    ".NET binary XML: the token",
	refused: "The bytes are authentic, but the token document in them is not one of WIF 4.5.",
	reasons: []string{
		"the site writes tokens with a class of its own",
		"it is a form of the document that this library does not read: please report it, without the cookie",
	},
}, {
	name:    "ids inside and outside",
	code:    "ids",
	what:    "the names in the envelope are those of the token",
	refused: "The token is authentic, but not the one that the envelope names.",
	reasons: []string{
		"the outer XML was changed or stems from another cookie; .NET refuses it as well (ID4227, ID4229)",
	},
}, {
	name:    "validity",
	code:    "validity",
	what:    "times and endpoint",
	refused: "The token is authentic, but not good here and now.",
}}

// textOf returns the text of the layer that package sessiontoken calls name.
func textOf(name string) layerText {
	for _, t := range layerTexts {
		if t.name == name && name != "" {
			return t
		}
	}
	return layerText{name: name, code: name}
}

// refusal says why a cookie was refused.
type refusal struct {
	Layer   string   `json:"layer"`
	Error   string   `json:"error"`
	Meaning string   `json:"meaning"`
	Reasons []string `json:"reasons"`
}

// explain turns the error of a layer into a refusal. Value is the text of the
// credential; it only serves to recognise other kinds.
func explain(t layerText, err error, value string, set *cookie.Set) *refusal {
	r := &refusal{Layer: t.code, Error: err.Error(), Meaning: t.refused}
	if set != nil && (t.code == "text" || t.code == "envelope" || t.code == "cookie") {
		r.Reasons = append(r.Reasons, problems(set)...)
	}
	switch {
	case errors.Is(err, cookie.ErrTooManyChunks), errors.Is(err, cookie.ErrTooLong):
		r.Meaning = "The cookie is there, but larger than any that is read."
		return r
	case errors.Is(err, sessiontoken.ErrDPAPI):
		r.Meaning = "The cookie is sealed with the Windows DPAPI of the machine that issued it (WIF's default; on another node .NET reports ID1073). No machine key opens it."
		r.Reasons = append(r.Reasons,
			"the site's web.config does not replace SessionSecurityTokenHandler with MachineKeySessionSecurityTokenHandler, see <securityTokenHandlers>")
		return r
	case errors.Is(err, sessiontoken.ErrExpired):
		r.Meaning = "The cookie is authentic, but its time is over (.NET: ID4255)."
		r.Reasons = append(r.Reasons,
			"the user has not come back within the lifetime; WIF does not renew sessions by itself",
			"to look at it as of another time use -at; -skew is the site's maximumClockSkew")
		return r
	case errors.Is(err, sessiontoken.ErrNotYetValid):
		r.Meaning = "The cookie is authentic, but its time is yet to come (.NET: ID4255)."
		r.Reasons = append(r.Reasons, "the clocks of the issuing node and of this machine differ by more than the clock skew")
		return r
	case errors.Is(err, sessiontoken.ErrEndpoint):
		r.Meaning = "The cookie is authentic, but was issued for another cookie path (.NET: ID4291)."
		r.Reasons = append(r.Reasons, "path in <cookieHandler> differs between the nodes, or from -path; it is compared with its case and its last slash")
		return r
	}
	if t.code == "text" || t.code == "envelope" {
		if kind := otherKind(value); kind != "" {
			r.Reasons = append(r.Reasons, kind)
		}
	}
	r.Reasons = append(r.Reasons, t.reasons...)
	return r
}

// otherKind recognises text that is not of a session cookie by its look.
func otherKind(value string) string {
	value = strings.TrimSpace(value)
	only := func(alphabet string) bool { return strings.Trim(value, alphabet) == "" }
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	switch {
	case value == "":
		return "the value is empty, as after a sign-out"
	case strings.HasPrefix(value, "CfDJ8"):
		return "it looks like ASP.NET Core Data Protection, which has nothing to do with the machine key"
	case strings.HasPrefix(value, "eyJ"):
		return "it looks like a JSON Web Token"
	case strings.HasPrefix(value, "chunks:") || strings.HasPrefix(value, "chunks-"):
		return "it looks like the head of an OWIN (Katana) cookie in chunks"
	case strings.Contains(value, "%"):
		return "it looks percent-encoded: %2B stands for +, %2F for / and %3D for ="
	case only("0123456789ABCDEFabcdef"):
		return "it looks like a forms authentication cookie (.ASPXAUTH): hex digits"
	case strings.ContainsAny(value, "-_") && only(letters+"-_="):
		return "it has the letters - and _ in place of + and /, as OWIN (Katana) cookies and tokens do"
	}
	return ""
}
