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
	name:    layerCookie,
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
		"it is not a session cookie of WIF but of another kind: see -name and -kind",
	},
}, {
	name:    "envelope (XML)",
	code:    "envelope",
	what:    "XML <SecurityContextToken>: names and sealed bytes, not yet trusted",
	refused: "The text is base64, but not of the XML element SecurityContextToken, complete and nothing behind it.",
	reasons: []string{
		"a chunk is missing at the end, or a chunk of an older, longer session was glued to it",
		"it was cut when it was copied",
		"it is not a session cookie of WIF but of another kind: see -name and -kind",
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
		"the site does not use MachineKeySessionSecurityTokenHandler but certificates (see -cert) or a handler of its own, or it is a WIF 1.0 site (-kind wif10)",
		"the cookie was changed: one character is enough",
	},
}, {
	name:    "machine key (hex)",
	code:    "machine-key",
	what:    "sealed with MachineKey.Encode: authentic",
	refused: "The sealed bytes were not made with this machine key by MachineKey.Encode, or were changed since.",
	reasons: []string{
		"this web.config has another <machineKey> than the node that issued the cookie: compare key ids",
		"the cookie was changed: one character is enough",
	},
}, {
	name:    "rsa signature",
	code:    "rsa-signature",
	what:    "signed with the certificate: authentic",
	refused: "The bytes were not signed with this certificate, or were changed since.",
	reasons: []string{
		"the node that issued the cookie has another certificate, or a machine key and none: then leave -cert out",
		"HashName of the site's transforms is not SHA-256, .NET's default: see -insecure-sha1",
		"the cookie was changed: one character is enough",
	},
}, {
	name:    "rsa encryption",
	code:    "rsa-encryption",
	what:    "encrypted for the certificate",
	refused: "The bytes are authentic, but not encrypted for this certificate.",
	reasons: []string{
		"the farm has another certificate for encryption than for signatures",
	},
}, {
	name:    "payload",
	code:    "payload",
	what:    "the token, unpacked",
	refused: "The bytes are authentic, but not those of a session token, or longer than 1 MiB.",
	reasons: []string{
		"the site has its own list of cookie transforms",
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

// layerCookie is the layer before all others: the header.
const layerCookie = "cookie"

// textOf returns the text of the layer that package sessiontoken calls name,
// in a credential of that kind.
func textOf(k kind, name string) layerText {
	lists := [][]layerText{layerTexts}
	switch {
	case k == kindForms:
		lists = [][]layerText{formsLayerTexts}
	case k == kindRoles, k == kindAnonymous:
		lists = [][]layerText{urlTokenLayerTexts}
	case k.IsKatana():
		lists = [][]layerText{katanaLayerTexts}
	case k == kindState:
		lists = [][]layerText{stateLayerTexts, katanaLayerTexts}
	case k == kindWIF10:
		lists = [][]layerText{wif10LayerTexts, layerTexts}
	}
	for _, list := range lists {
		for _, t := range list {
			if t.name == name {
				return t
			}
		}
	}
	return layerText{name: name, code: name, refused: "This layer refused it."}
}

// refusal says why a cookie was refused.
type refusal struct {
	Layer   string   `json:"layer"`
	Error   string   `json:"error"`
	Meaning string   `json:"meaning"`
	Reasons []string `json:"reasons"`
}

// explain turns the error of a layer into a refusal. The text of the
// credential only serves to recognise other kinds.
func explain(t layerText, err error, c credential) *refusal {
	r := &refusal{Layer: t.code, Error: err.Error(), Meaning: t.refused}
	if c.set != nil && (t.code == "text" || t.code == "envelope" || t.code == "cookie") {
		r.Reasons = append(r.Reasons, problems(c.set)...)
	}
	add := func(meaning string, reasons ...string) *refusal {
		r.Meaning, r.Reasons = meaning, append(r.Reasons, reasons...)
		return r
	}
	switch {
	case errors.Is(err, cookie.ErrTooLong), errors.Is(err, sessiontoken.ErrTooLong):
		return add("The credential is there, but larger than any that is read.",
			"something else has this name, or it was glued together when it was copied")
	case errors.Is(err, cookie.ErrMissingChunk):
		return add("The cookie announces more chunks than the request carries, and all are needed.",
			"a proxy or the browser dropped a cookie, being too large or too many",
			"only a part of the header was copied")
	case errors.Is(err, sessiontoken.ErrDPAPI):
		return add("The cookie is sealed with the Windows DPAPI of the machine that issued it (WIF's default; on another node .NET reports ID1073). No machine key opens it.",
			"the site's web.config does not replace SessionSecurityTokenHandler with MachineKeySessionSecurityTokenHandler, see <securityTokenHandlers>")
	case errors.Is(err, sessiontoken.ErrCoreWCF):
		return add("The cookie is authentic, but CoreWCF wrote it, in a format of its own.",
			"no site on .NET Framework reads it either: let one of them, or this library, issue the cookie")
	case errors.Is(err, sessiontoken.ErrOtherFormat):
		return add("The cookie is authentic, but of the other generation of WIF.",
			"say so: -kind wif10 is Microsoft.IdentityModel, -kind fedauth is System.IdentityModel of .NET 4.5",
			"nodes of both generations use one cookie name; they do not read each other's")
	case errors.Is(err, sessiontoken.ErrExpired) && !c.kind.IsSession():
		return add("It is authentic, but its time is over.",
			"the user has not come back within its lifetime, or the site does not renew",
			"to look at it as of another time use -at")
	case errors.Is(err, sessiontoken.ErrExpired):
		return add("The cookie is authentic, but its time is over (.NET: ID4255).",
			"the user has not come back within the lifetime; WIF does not renew sessions by itself",
			"to look at it as of another time use -at; -skew is the site's maximumClockSkew")
	case errors.Is(err, sessiontoken.ErrNotYetValid):
		return add("The cookie is authentic, but its time is yet to come (.NET: ID4255).",
			"the clocks of the issuing node and of this machine differ by more than the clock skew")
	case errors.Is(err, sessiontoken.ErrEndpoint):
		return add("The cookie is authentic, but was issued for another cookie path (.NET: ID4291).",
			"path in <cookieHandler> differs between the nodes, or from -path; it is compared with its case and its last slash")
	case c.kind.IsKatana() && t.code == "validity" && errors.Is(err, sessiontoken.ErrUnsupported):
		return add("The ticket is authentic, but says no time that can be read. For .NET it never expires, mostly by accident.",
			"the code that issued it set no ExpiresUtc",
			"-allow-insecure reads it nevertheless")
	}
	if t.code == "text" || t.code == "envelope" || t.code == "machine-key" && !c.kind.IsSession() {
		if look := otherKind(c.kind, c.text); look != "" {
			r.Reasons = append(r.Reasons, look)
		}
	}
	r.Reasons = append(r.Reasons, t.reasons...)
	return r
}

// explainSetup is the refusal of a kind that the configuration does not serve.
func explainSetup(err error) *refusal {
	return &refusal{
		Layer: "configuration", Error: err.Error(),
		Meaning: "The machine key of this web.config cannot serve this kind of credential, in .NET neither.",
		Reasons: []string{
			"validation or decryption names an algorithm that this kind does not know in this mode",
			"the cookie is a left-over of another site on the same host",
		},
	}
}

// otherKind recognises text that is not of the kind k by its look.
func otherKind(k kind, value string) string {
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
	case k != kindKatana && strings.HasPrefix(value, "chunks:") || strings.HasPrefix(value, "chunks-"):
		return "it looks like the head of a Katana cookie in chunks"
	case strings.Contains(value, "%"):
		return "it looks percent-encoded: %2B stands for +, %2F for / and %3D for ="
	case strings.HasPrefix(value, "77u/PD94bWwg") && !k.IsSession():
		return "it looks like a session of WIF (FedAuth): -kind fedauth or wif10"
	case k != kindForms && only("0123456789ABCDEFabcdef"):
		return "it looks like a forms authentication cookie (.ASPXAUTH): hex digits; then say -kind forms"
	case k.IsSession() && strings.ContainsAny(value, "-_") && only(letters+"-_="):
		return "it has the letters - and _ in place of + and /, as Katana cookies and tokens do; then say -kind katana or bearer"
	}
	return ""
}
