package doctor

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
)

// dpapiHead begins a blob of the Windows DPAPI.
const dpapiHead = "\x01\x00\x00\x00\xd0\x8c\x9d\xdf\x01\x15\xd1\x11\x8c\x7a\x00\xc0\x4f\xc2\x97\xeb"

// header returns a fault of the cookies themselves, nil for none.
func (n *Node) header(f found) *Finding {
	switch {
	case f.set == nil && errors.Is(f.err, cookie.ErrNoCredential):
		return f.says("no_cookie/bearer")
	case f.set == nil && f.err != nil:
		return f.says("no_cookie/several")
	case errors.Is(f.err, cookie.ErrTooLong):
		return f.says("too_large")
	case errors.Is(f.err, cookie.ErrMissingChunk):
		return f.says("missing_chunk/announced", "n", f.set.Announced, "chunk",
			f.chunkName(f.set.Joined))
	case f.set != nil && f.err != nil && len(f.set.Chunks) > 0:
		return f.says("missing_chunk/first", "carried", f.set.Chunks[0].Name, "chunk", f.name)
	case f.err != nil:
		return n.missing(f)
	case f.text == "":
		return f.says("no_cookie/empty")
	}
	return nil
}

// missing is the finding for a cookie that is not in the request. Its fix names what in the node's
// settings keeps browsers from sending it.
func (n *Node) missing(f found) *Finding {
	others := "no cookie"
	if len(f.others) > 0 {
		others = listed(f.others[:min(len(f.others), 8)])
	}
	finding := f.says("no_cookie/missing", "others", others)
	c := n.site.Of(f.kind, f.authType)
	add := func(field string, here bool) {
		if here {
			finding.Fix.Text += findings["no_cookie/missing"].Text(field, "file", n.file, "path",
				c.Path, "domain", c.Domain, "accepted", listed(n.site.Accepted()))
		}
	}
	add("accepts", len(n.site.Accepted()) > 1)
	add("secure", c.Secure == site.On)
	add("none", c.SameSite == "None" && c.Secure != site.On)
	add("path", strings.Trim(c.Path, "/") != "")
	add("domain", c.Domain != "")
	add("size", f.kind == Forms || f.kind == Katana)
	add("katana", f.kind == Katana || strings.Contains(others, handshake()))
	return finding
}

// look recognises credentials that no machine key opens, nil for others.
func (e *exam) look(ctx context.Context, f found, n *Node) *Finding {
	text := strings.TrimSpace(f.text)
	if what := foreign(f.name, text); what != "" {
		return f.says(what, "is", findings[what].Text("is"))
	}
	for _, c := range carriers(text) {
		switch {
		case !bytes.HasPrefix(c.data, []byte(dpapiHead)):
		case c.shape == shapeSession:
			return f.says("dpapi/session").
				in(n, Setting{Path: pathHandlers, Value: "MachineKeySessionSecurityTokenHandler"})
		default:
			return f.says("dpapi/katana")
		}
	}
	if size := f.signed(); size > 0 {
		return e.certificate(ctx, f, n, size)
	}
	if doc, err := decodeBase64(text); err == nil && readEnvelope(doc).reference {
		return f.says("reference_mode")
	}
	return nil
}

// signedRSA returns the size of the signature in the output of RsaSignatureCookieTransform and
// RsaEncryptionCookieTransform, 0 for other data:
//
//	LE32 n || signature || hash of the key, 32 or 20 || LE32 m || encrypted key || LE32 k || ciphertext
func signedRSA(data []byte) int {
	take := func(data []byte) (n int, rest []byte) { // a length, and what follows it
		if len(data) > 4 {
			n, rest = int(binary.LittleEndian.Uint32(data)), data[4:]
		}
		if n > len(rest) {
			return 0, nil
		}
		return n, rest
	}
	size, data := take(data)
	if size < 64 || size > 1024 || size%8 != 0 {
		return 0
	}
	for _, hash := range []int{32, 20} {
		rest := data[size:]
		m, rest := take(rest[min(hash, len(rest)):])
		if m < 64 || m > 1024 {
			continue
		}
		if k, rest := take(rest[m:]); k > 0 && k == len(rest) && k%16 == 0 {
			return size
		}
	}
	return 0
}

// cutOff is the finding for a text without its end, nil for a complete one. It is for texts that
// nothing opened.
func (e *exam) cutOff(f found, n *Node) *Finding {
	text := strings.TrimSpace(f.text)
	switch list := carriers(text); {
	case f.kind == site.SQSession:
		return nil // not known what it holds
	case f.kind == Bearer && (len(list) == 0 || !n.sealable(len(list[0].data))):
		return f.says("foreign/bearer", "is", findings["foreign/bearer"].Text("is"))
	}
	last := f.set != nil && f.kind != Katana && f.set.Joined > 0
	compact := upTo(text)
	if whole, err := decodeBase64(text); err == nil && readEnvelope(whole).complete {
		compact = ""
	}
	if f.kind.IsSession() && compact != "" {
		doc, err := base64.StdEncoding.DecodeString(compact)
		if env := readEnvelope(doc); err == nil && env.found && !env.complete {
			if last && f.set.Joined < len(f.set.Chunks) {
				return f.says("missing_chunk/middle", "chunk", f.chunkName(f.set.Joined),
					"next", f.set.Chunks[f.set.Joined].Name)
			}
			if last && len(upTo(text)) >= len(text)-3 && full(f, n) {
				return f.says("missing_chunk/last", "chunk", f.chunkName(f.set.Joined))
			}
			return f.says("truncated/envelope", "size", len(text), "near", limitNear(f))
		}
	}
	if f.kind.IsSession() && !hasEnvelope(text) {
		return f.says("other_credential/no_session")
	}
	digits := strings.Trim(text, "0123456789ABCDEFabcdef") == ""
	switch {
	case digits && len(text)%2 == 1:
		return f.says("truncated/hex", "size", len(text), "near", limitNear(f))
	case f.kind.IsKatana() && len(strings.TrimRight(text, "="))%4 == 1 &&
		strings.Trim(text, base64Digits[:62]+"-_=") == "":
		return f.says("truncated/base64", "size", len(text), "near", limitNear(f))
	}
	if isLegacy(n.key.mode) && n.protection(f.kind) == machinekey.ProtectionValidation {
		return nil // data of any length
	}
	list := carriers(text)
	if len(list) == 0 ||
		slices.ContainsFunc(list, func(c carrier) bool { return n.sealable(len(c.data)) }) {
		return nil
	}
	return f.says("truncated/blocks", "size", len(list[0].data), "near", limitNear(f))
}

// hasEnvelope reports whether a text begins as a session of WIF does.
func hasEnvelope(text string) bool {
	doc, err := base64.StdEncoding.DecodeString(upTo(text))
	return err == nil && readEnvelope(doc).found
}

// full reports whether the last chunk of a session has the full length. Then another should follow.
func full(f found, n *Node) bool {
	size := f.set.Chunks[f.set.Joined-1].Size
	return size == n.session.ChunkSize || f.set.Joined > 1 && size == f.set.Chunks[0].Size
}

// sealable reports whether the node's cipher and some signature can give n bytes: whole blocks, and
// 16, 20, 32, 48 or 64 bytes of signature.
func (n *Node) sealable(size int) bool {
	block := 16
	if n.key.cipher(n.key.mode) != machinekey.AES {
		block = 8
	}
	return size >= block+16 && (size%block == 0 || size%block == 4)
}

// limitNear names the usual limit of a cookie at which the value ends, empty for none.
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
