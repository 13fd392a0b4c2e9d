package main

// The layers of the other credentials, see layerTexts.

var formsLayerTexts = []layerText{{
	name:    layerCookie,
	code:    "cookie",
	refused: "The request does not carry this cookie.",
	reasons: []string{
		"the user is not signed in, or the cookie has expired in the browser",
		"the site calls its cookie otherwise: see name in <forms>, and -name",
		"the cookie is for another path or domain, or Secure and the request was plain http",
		"the site keeps the ticket in the URL (cookieless): give the text between F( and ) with -kind forms",
	},
}, {
	name:    "text (hex or URL token)",
	code:    "text",
	what:    "hex digits, or a URL token",
	refused: "The text is neither hex digits nor a URL token.",
	reasons: []string{
		"it was cut, or something was added, when it was copied",
		"it is not a forms ticket but of another kind: see -name and -kind",
	},
}, {
	name:    "machine key",
	code:    "machine-key",
	what:    "sealed as the key's mode says: authentic",
	refused: "The sealed bytes were not made with this machine key in this mode, or were changed since.",
	reasons: []string{
		"this web.config has another <machineKey> than the node that issued the cookie: compare key ids, also with machine.config and parent sites",
		"the nodes differ in compatibilityMode, or in targetFramework of <httpRuntime>, which decides the default: see mode above",
		"validation or decryption names another algorithm than on the issuing node",
		"in a legacy mode, protection in <forms> differs between the nodes",
		"in a legacy mode, the keys are bound to one application: IsolateApps or IsolateByAppId",
		"the key was changed after the cookie was issued: repeat -config with the old file to find out",
	},
}, {
	name:    "forms ticket",
	code:    "forms-ticket",
	what:    "the ticket",
	refused: "The bytes are authentic, but not a forms ticket as .NET writes it today.",
	reasons: []string{
		"the site sets aspnet:UseLegacyFormsAuthenticationTicketCompatibility, or lacks the update of 2011: the old layout needs -allow-insecure",
		"in a legacy mode, something else is sealed with the same keys, such as a role cookie",
		"the user's name holds characters that have no UTF-8, or a zero",
	},
}, {
	name:    "validity",
	code:    "validity",
	what:    "expiration",
	refused: "The ticket is authentic, but not good now.",
}}

var katanaLayerTexts = []layerText{{
	name:    layerCookie,
	code:    "cookie",
	refused: "The request does not carry this credential.",
	reasons: []string{
		"the user is not signed in, or the cookie has expired in the browser",
		"the site calls its cookie otherwise: see CookieName in its start-up code, -name and -auth-type; names are case sensitive",
		"the cookie is for another path or domain, or Secure and the request was plain http",
	},
}, {
	name:    "text (base64url)",
	code:    "text",
	what:    "base64 with - and _",
	refused: "The text is not base64 with - and _ from end to end.",
	reasons: []string{
		"it was cut, or something was added, when it was copied",
		"it is not a ticket of Katana but of another kind: see -name and -kind",
		"a refresh token or code may be a mere handle that the site keeps in a database",
	},
}, {
	name:    "machine key",
	code:    "machine-key",
	what:    "sealed with MachineKey.Protect: authentic",
	refused: "The sealed bytes were not made with this machine key for this use, or were changed since.",
	reasons: []string{
		"this web.config has another <machineKey> than the node that issued it: compare key ids, also with machine.config and parent sites",
		"it was issued under another AuthenticationType, which counts with its case and its blanks: see -auth-type",
		"it is another credential of the same site, such as a refresh token in place of an access token: see -kind",
		"the site has a TicketDataFormat of its own (see -purpose), or issues JSON Web Tokens",
		"the site runs outside IIS, where Katana uses the Windows DPAPI",
		"validation or decryption names another algorithm than on the issuing node",
	},
}, {
	name:    "gzip",
	code:    "gzip",
	what:    "compressed (RFC 1952)",
	refused: "The bytes are authentic, but not compressed as Katana does it, or longer than 1 MiB inside.",
	reasons: []string{
		"the site serializes tickets with a class of its own",
	},
}, {
	name:    "katana ticket",
	code:    "katana-ticket",
	what:    "the ticket",
	refused: "The bytes are authentic, but not a ticket that Katana would read as it stands.",
	reasons: []string{
		"the site serializes tickets with a class of its own, or a newer Katana wrote it",
		"it is the ticket of ASP.NET Core, which has another version number",
	},
}, {
	name:    "store",
	code:    "store",
	what:    "a reference: the ticket is kept on the server",
	refused: "The cookie only names a session. The ticket itself is in the session store of the .NET nodes, so there is nothing to open here.",
	reasons: []string{
		"the site sets SessionStore in its cookie options; Go nodes cannot read that store",
	},
}, {
	name:    "validity",
	code:    "validity",
	what:    "expiry",
	refused: "The ticket is authentic, but not good now.",
}}

// stateLayerTexts are those in which a state string differs from a ticket.
var stateLayerTexts = []layerText{{
	name:    "machine key",
	code:    "machine-key",
	what:    "sealed with MachineKey.Protect: authentic",
	refused: "The sealed bytes were not made with this machine key for this middleware, or were changed since.",
	reasons: []string{
		"another middleware sent it, or one with another AuthenticationType, which counts with its case: see -class and -auth-type",
		"this web.config has another <machineKey> than the node that sent it: compare key ids, also with machine.config and parent sites",
		"the provider's answer has it in a longer text: give only what the middleware wrote, percent-decoded",
		"the site has a StateDataFormat of its own, or runs outside IIS, where Katana uses the Windows DPAPI",
	},
}, {
	name:    layerState,
	code:    "katana-properties",
	what:    "the properties",
	refused: "The bytes are authentic, but not properties as Katana writes them.",
	reasons: []string{
		"the site serializes them with a class of its own",
	},
}}

var urlTokenLayerTexts = []layerText{{
	name:    layerCookie,
	code:    "cookie",
	refused: "The request does not carry this cookie.",
	reasons: []string{
		"the site calls its cookie otherwise: see cookieName in <roleManager> and <anonymousIdentification>, and -name",
		"the site does not cache roles in a cookie, or does not identify visitors",
	},
}, {
	name:    layerURLToken,
	code:    "text",
	what:    "base64 with - and _, and a digit for the padding",
	refused: "The text is not a URL token.",
	reasons: []string{
		"it was cut, or something was added, when it was copied",
		"it is of another kind: see -name and -kind",
	},
}, {
	name:    layerSealed,
	code:    "machine-key",
	what:    "sealed as the key's mode says: authentic",
	refused: "The sealed bytes were not made with this machine key in this mode, or were changed since.",
	reasons: []string{
		"this web.config has another <machineKey> than the node that issued the cookie: compare key ids, also with machine.config and parent sites",
		"the nodes differ in compatibilityMode, or in targetFramework of <httpRuntime>, which decides the default: see mode above",
		"in a legacy mode, cookieProtection differs between the nodes",
	},
}, {
	name: layerRoles,
	code: "role-cookie",
	what: "a BinaryFormatter stream, not read",
}, {
	name:    layerAnonymous,
	code:    "anonymous-id",
	what:    "the id",
	refused: "The bytes are authentic, but not an anonymous id.",
	reasons: []string{
		"in a legacy mode, something else is sealed with the same keys, such as a role cookie",
	},
}, {
	name:    layerValidity,
	code:    "validity",
	what:    "expiry",
	refused: "The id is authentic, but its time is over.",
}}

// wif10LayerTexts are those in which WIF 1.0 differs from 4.5.
var wif10LayerTexts = []layerText{{
	name:    "machine key (hex)",
	code:    "machine-key",
	what:    "sealed with MachineKey.Encode: authentic",
	refused: "The sealed bytes were not made with this machine key by MachineKey.Encode, or were changed since.",
	reasons: []string{
		"this web.config has another <machineKey> than the node that issued the cookie: compare key ids, also with machine.config and parent sites",
		"the site is one of WIF 4.5 (-kind fedauth), uses certificates (see -cert) or a handler of its own",
		"validation or decryption names another algorithm than on the issuing node",
		"aspnet:UseLegacyMachineKeyEncryption is on at the issuing node; its cookies are not read",
		"the cookie was changed: one character is enough",
	},
}, {
	name:    "nbfx",
	code:    "nbfx",
	what:    ".NET binary XML: the token",
	refused: "The bytes are authentic, but the token document in them is not one of WIF 1.0.",
	reasons: []string{
		"the site is one of WIF 4.5: -kind fedauth",
		"the site writes tokens with a class of its own",
	},
}}
