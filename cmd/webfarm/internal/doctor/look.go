package doctor

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
)

// Beginnings by which foreign formats give themselves away.
const (
	coreHead  = "CfDJ8" // base64url of 09 F0 C9 F0, ASP.NET Core Data Protection
	jwtHead   = "eyJ"   // base64url of {"
	dpapiHead = "\x01\x00\x00\x00\xd0\x8c\x9d\xdf\x01\x15\xd1\x11\x8c\x7a\x00\xc0\x4f\xc2\x97\xeb"
)

// header says what is wrong with the cookies of a credential before anything
// is opened, nil if nothing is.
func (e *exam) header(f found) *Finding {
	label := f.label()
	switch {
	case f.set == nil && errors.Is(f.err, cookie.ErrNoCredential):
		return &Finding{Code: CodeNoCookie, Sentence: "The request does not carry a bearer token in the header Authorization.",
			Fix: elsewhere("proxy", "look whether the client sends it, and whether the proxy passes the header on")}
	case f.set == nil && f.err != nil:
		return &Finding{Code: CodeNoCookie, Sentence: capital(label) + " cannot be read from the header: it has more than one Authorization line or more than one value.",
			Fix: elsewhere("proxy", "send one Authorization header with one token")}
	case errors.Is(f.err, cookie.ErrTooLong):
		return &Finding{Code: CodeTooLarge, Sentence: capital(label) + " is larger than any that is read.",
			Fix: elsewhere("code", "keep fewer claims in the session, or use reference mode; look whether something else has this name")}
	case errors.Is(f.err, cookie.ErrMissingChunk):
		i := f.set.Joined
		return missing(f, i, fmt.Sprintf("%s announces %d chunks, and %s is not in the request.", capital(label), f.set.Announced, f.chunkName(i)))
	case f.set != nil && f.err != nil && len(f.set.Chunks) > 0:
		return missing(f, 0, fmt.Sprintf("The request carries %s but not %s, with which the value begins.", f.set.Chunks[0].Name, f.name))
	case f.err != nil:
		return &Finding{Code: CodeNoCookie, Sentence: fmt.Sprintf("The request does not carry %s.", label),
			Fix: elsewhere("browser", "look at the cookie's Path, Domain, Secure and expiry in the browser, and at name in <cookieHandler> or <forms>; -name names another cookie")}
	case f.text == "":
		return &Finding{Code: CodeNoCookie, Sentence: capital(label) + " is empty, as after a sign-out.", Fix: elsewhere("sign-in", "sign in again")}
	}
	return nil
}

// missing is the finding for a chunk that is not there.
func missing(f found, i int, sentence string) *Finding {
	return &Finding{Code: CodeMissingChunk, Sentence: sentence, DotNet: "ID4243 or an XML error; Katana: anonymous",
		Fix: elsewhere("proxy", fmt.Sprintf("find out where %s gets lost: limits on the size or number of headers in the proxy, IIS or the browser "+
			"(http.sys takes 16 KiB of headers by default), or a deletion with the wrong index; fewer claims or reference mode make the cookie smaller", f.chunkName(i)))}
}

// look recognises what no machine key can open, nil if it is none of that.
func (e *exam) look(ctx context.Context, f found, n *Node) *Finding {
	text := strings.TrimSpace(f.text)
	label := f.label()
	switch {
	case strings.HasPrefix(text, coreHead), strings.HasPrefix(text, "chunks-"):
		return &Finding{Code: CodeASPNETCore,
			Sentence: capital(label) + " was written by ASP.NET Core Data Protection, which has its own keys and nothing to do with the machine key.",
			Fix:      elsewhere("code", "let a .NET Framework node or webfarm issue the cookie, or keep the two sites' cookies apart by name; no machine key reads it")}
	case strings.HasPrefix(text, jwtHead) && strings.Count(text, ".") == 2:
		return &Finding{Code: CodeJWT, Sentence: capital(label) + " is a JSON Web Token, which is signed by its issuer and not with the machine key.",
			Fix: elsewhere("code", "verify it with a JWT library and the issuer's keys")}
	}
	for _, c := range carriers(text) {
		if bytes.HasPrefix(c.data, []byte(dpapiHead)) {
			return dpapi(f, n, c)
		}
	}
	if size := f.signed(); size > 0 {
		return e.certificate(ctx, f, n, size)
	}
	if doc, err := decodeBase64(text); err == nil {
		if env := readEnvelope(doc); env.reference {
			return &Finding{Code: CodeReferenceMode, DotNet: "ID4243",
				Sentence: capital(label) + " only names a session (reference mode): the session itself is in the token cache of the node that issued it.",
				Fix: elsewhere("store", "give all nodes one shared cache (a SessionSecurityTokenCache on .NET, sessiontoken.Store in Go), "+
					"or set IsReferenceMode to false where the site creates its session tokens")}
		}
	}
	return nil
}

// dpapi is the finding for a Windows DPAPI blob.
func dpapi(f found, n *Node, c carrier) *Finding {
	if c.shape == shapeSession {
		return &Finding{Code: CodeDPAPI, DotNet: "ID1073",
			Sentence: capital(f.label()) + " is sealed with the Windows DPAPI of the machine that issued it, WIF's default, so no other node can open it.",
			Fix: n.inFile("put this into the web.config of every node, also of the one that issued the cookie, and sign in again",
				Setting{Path: pathHandlers, Value: "MachineKeySessionSecurityTokenHandler"})}
	}
	return &Finding{Code: CodeDPAPI, DotNet: "Key not valid for use in specified state",
		Sentence: capital(f.label()) + " holds a blob of the Windows DPAPI of the machine that issued it, as Katana writes it outside of IIS, so no other node can open it.",
		Fix:      elsewhere("code", "host the site in IIS with Microsoft.Owin.Host.SystemWeb, or set a data protector that uses MachineKey.Protect (app.SetDataProtectionProvider)")}
}

// signedRSA returns the size of the signature in front of data that
// RsaSignatureCookieTransform and RsaEncryptionCookieTransform wrote, or 0:
//
//	LE32 n || signature || hash of the key, 32 or 20 || LE32 m || encrypted key || LE32 k || ciphertext
func signedRSA(data []byte) int {
	take := func() int {
		if len(data) < 4 {
			return -1
		}
		n := binary.LittleEndian.Uint32(data)
		data = data[4:]
		if n == 0 || uint64(n) > uint64(len(data)) {
			return -1
		}
		return int(n)
	}
	size := take()
	if size < 64 || size > 1024 || size%8 != 0 {
		return 0
	}
	data = data[size:]
	rest := data
	for _, hash := range []int{32, 20} {
		if data = rest; len(data) < hash {
			continue
		}
		data = data[hash:]
		m := take()
		if m < 64 || m > 1024 {
			continue
		}
		data = data[m:]
		if k := take(); k == len(data) && k%16 == 0 {
			return size
		}
	}
	return 0
}

// cutOff says whether the text shows that its end is missing, nil if it does
// not. It is asked when nothing opened the text.
func (e *exam) cutOff(f found, n *Node) *Finding {
	text := strings.TrimSpace(f.text)
	last := f.set != nil && f.kind != Katana && f.set.Joined > 0
	compact := upTo(text)
	if whole, err := decodeBase64(text); err == nil && readEnvelope(whole).complete {
		compact = ""
	}
	if f.kind.IsSession() && compact != "" {
		doc, err := base64.StdEncoding.DecodeString(compact)
		if env := readEnvelope(doc); err == nil && env.found && !env.complete {
			if last && f.set.Joined < len(f.set.Chunks) {
				i := f.set.Joined
				return missing(f, i, fmt.Sprintf("%s is missing from the request, so the session breaks off before %s.", f.chunkName(i), f.set.Chunks[i].Name))
			}
			if last && len(upTo(text)) >= len(text)-3 && full(f, n) {
				i := f.set.Joined
				return missing(f, i, fmt.Sprintf("The session breaks off at the end of a full chunk: %s is missing from the request.", f.chunkName(i)))
			}
			return truncated(f, fmt.Sprintf("%s breaks off in the middle of its XML after %d characters%s.", capital(f.label()), len(text), limitNear(f)))
		}
	}
	if f.kind.IsSession() && !hasEnvelope(text) {
		return &Finding{Code: CodeOtherCredential, DotNet: "The input is not a valid Base-64 string; Data at the root level is invalid",
			Sentence: fmt.Sprintf("%s does not hold the XML of a session of WIF, and no key opens it as anything else.", capital(f.label())),
			Fix:      elsewhere("code", "look which application sets a cookie of this name on this host, and rename one of the two: name in <cookieHandler>")}
	}
	digits := strings.Trim(text, "0123456789ABCDEFabcdef") == ""
	switch {
	case digits && len(text)%2 == 1:
		return truncated(f, fmt.Sprintf("%s has an odd number of hex digits (%d)%s: its end is missing.", capital(f.label()), len(text), limitNear(f)))
	case f.kind.IsKatana() && len(strings.TrimRight(text, "="))%4 == 1 && strings.IndexFunc(text, notBase64URL) < 0:
		return truncated(f, fmt.Sprintf("%s has a number of characters (%d) that no base64 text has%s: its end is missing.", capital(f.label()), len(text), limitNear(f)))
	}
	if isLegacy(n.key.mode) && n.protection(f.kind) == machinekey.ProtectionValidation {
		return nil // data of any length
	}
	list := carriers(text)
	for _, c := range list {
		if n.sealable(len(c.data)) {
			return nil
		}
	}
	if len(list) > 0 {
		return truncated(f, fmt.Sprintf("%s holds %d bytes, a number that no cipher and signature of this machine key give%s: part of it is missing.",
			capital(f.label()), len(list[0].data), limitNear(f)))
	}
	return nil
}

// hasEnvelope reports whether a text begins as a session of WIF does.
func hasEnvelope(text string) bool {
	doc, err := base64.StdEncoding.DecodeString(upTo(text))
	return err == nil && readEnvelope(doc).found
}

func notBase64URL(r rune) bool {
	return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '=')
}

// full reports whether the last chunk of a session is as long as chunks of the
// site are, so that another should follow.
func full(f found, n *Node) bool {
	size := f.set.Chunks[f.set.Joined-1].Size
	return size == n.session.ChunkSize || f.set.Joined > 1 && size == f.set.Chunks[0].Size
}

// sealable reports whether the node's cipher and some signature give n bytes:
// whole blocks, and 16, 20, 32, 48 or 64 bytes of signature.
func (n *Node) sealable(size int) bool {
	block := 16
	if n.key.cipher(n.key.mode) != machinekey.AES {
		block = 8
	}
	return size >= block+16 && (size%block == 0 || size%block == 4)
}

// limitNear says at which usual limit of a cookie the value ends, if at one.
func limitNear(f found) string {
	if f.set == nil || f.set.Joined == 0 {
		return ""
	}
	c := f.set.Chunks[f.set.Joined-1]
	for _, limit := range []int{1024, 2048, 4096, 8192, 16384} {
		for _, n := range []int{c.Size, c.Size + len(c.Name) + 1, c.Size + len(c.Name)} {
			if n == limit || n == limit-1 {
				return fmt.Sprintf(", where a limit of %d bytes for %s would end it", limit, c.Name)
			}
		}
	}
	return ""
}

func truncated(f found, sentence string) *Finding {
	return &Finding{Code: CodeTruncated, Sentence: sentence, DotNet: "Unable to validate data; ID4243 or an XML error",
		Fix: elsewhere("proxy", "compare with the Set-Cookie line of the response; raise the header limits of whatever stands between (nginx large_client_header_buffers, "+
			"http.sys MaxFieldLength and MaxRequestBytes, IIS requestLimits), or make the cookie smaller: browsers drop cookies over 4096 bytes, fewer claims or a smaller chunkSize help")}
}

// capital returns s with a capital letter in front.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
