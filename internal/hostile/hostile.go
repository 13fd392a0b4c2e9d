// Package hostile makes requests that cost a server as much as they can before
// any MAC is computed, or with it: what an attacker without a key would send.
// Benchmarks, tests and the seeds of fuzz targets share them.
package hostile

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Credential is what a site accepts, and an honest text to imitate.
type Credential struct {
	// Cookie is the name of the cookie, or empty for a bearer token.
	Cookie string
	// Chunk is the format of the names of chunks, such as "FedAuth%d", or empty
	// if the credential is one cookie. Marked says that the first cookie counts
	// the chunks, which then begin at 1 (Katana).
	Chunk  string
	Marked bool
	// Text is an honest text. With Envelope it is base64 of the XML of a
	// session token.
	Text     string
	Envelope bool
}

// Request is the part of a request that carries credentials.
type Request struct {
	Name          string
	Cookies       []string // lines of the header Cookie
	Authorization string
}

// Text is one hostile text of a credential.
type Text struct{ Name, Text string }

// Honest returns the honest request, with two more cookies as sites have them.
func (c *Credential) Honest() Request {
	if c.Cookie == "" {
		return Request{Name: "honest", Authorization: "Bearer " + c.Text}
	}
	r := Request{Name: "honest",
		Cookies: []string{"ASP.NET_SessionId=0123456789abcdefghijklmn; theme=dark; "}}
	if c.Marked || c.Chunk == "" || len(c.Text) <= 2000 {
		r.Cookies[0] += c.Cookie + "=" + c.Text
		return r
	}
	for i := 0; 2000*i < len(c.Text); i++ {
		name := c.Cookie
		if i > 0 {
			name = fmt.Sprintf("; "+c.Chunk, i)
		}
		r.Cookies[0] += name + "=" + c.Text[2000*i:min(2000*(i+1), len(c.Text))]
	}
	return r
}

// Requests returns every hostile request for a credential: each hostile header
// and each hostile text of about each of the sizes, in bytes.
func (c *Credential) Requests(sizes ...int) []Request {
	var all []Request
	for _, size := range sizes {
		for _, t := range c.Texts(size) {
			all = append(all, c.carry(fmt.Sprintf("%s/%d", t.Name, size), t.Text)...)
		}
		if c.Cookie != "" {
			all = append(all, c.headers(size)...)
		}
	}
	return all
}

// carry returns the requests that carry a text: in one cookie, and in as many
// chunks as are read.
func (c *Credential) carry(name, text string) []Request {
	if c.Cookie == "" {
		return []Request{{Name: name, Authorization: "Bearer " + text}}
	}
	one := Request{Name: name, Cookies: []string{"theme=dark; " + c.Cookie + "=" + text}}
	if c.Chunk == "" || len(text) < 1000 {
		return []Request{one}
	}
	const n = 60
	var pairs []string
	for part := range slices.Chunk([]byte(text), len(text)/n+1) {
		pairs = append(pairs, string(part))
	}
	for i, part := range pairs {
		switch {
		case c.Marked:
			pairs[i] = fmt.Sprintf(c.Chunk, i+1) + "=" + part
		case i == 0:
			pairs[i] = c.Cookie + "=" + part
		default:
			pairs[i] = fmt.Sprintf(c.Chunk, i) + "=" + part
		}
	}
	if c.Marked {
		pairs = append([]string{fmt.Sprintf("%s=chunks:%d", c.Cookie, len(pairs))}, pairs...)
	}
	slices.Reverse(pairs) // the order of the header means nothing
	return []Request{one,
		{Name: name + "/chunks", Cookies: []string{strings.Join(pairs, "; ")}},
		{Name: name + "/lines", Cookies: pairs}}
}

// headers returns headers of a size that are dear to search for the cookie.
func (c *Credential) headers(size int) []Request {
	near := c.Cookie[:len(c.Cookie)-1] + "~"
	var all []Request
	for _, h := range []struct{ name, pair string }{
		{"one-letter cookies", "a;"},
		{"empty cookies", ";"},
		{"blanks", " "},
		{"blanks in pairs", "a \t \t \t \t;"},
		{"one cookie", "x"},
		{"long cookies", strings.Repeat("x", 400) + ";"},
		{"names that nearly match", near + ";"},
		{"names in the other case", strings.ToUpper(near) + ";"},
		{"the name many times", c.Cookie + "=" + "A;"},
		{"the name in the other case", strings.ToUpper(c.Cookie) + ";"},
		{"numbers that are no chunks", c.Cookie + "61;"},
		{"one chunk many times", c.Cookie + "1;" + c.Cookie + "C1;"},
		{"chunks without a first", c.Cookie + "C59=A;" + c.Cookie + "59=A;"},
	} {
		line := strings.Repeat(h.pair, size/len(h.pair))
		name := fmt.Sprintf("%s/%d", h.name, size)
		all = append(all, Request{Name: name, Cookies: []string{line}})
		if strings.HasSuffix(h.pair, ";") && size <= 1<<16 {
			all = append(all, Request{Name: name + "/lines",
				Cookies: strings.Split(strings.TrimSuffix(line, ";"), ";")})
		}
	}
	return all
}

// Texts returns hostile texts of at most size bytes, or few more.
func (c *Credential) Texts(size int) []Text {
	fill := func(unit string) string { return strings.Repeat(unit, size/len(unit)) }
	whole := fill("A")
	whole = whole[:len(whole)&^3]
	digits := fill("0")
	digits = digits[:len(digits)&^1]
	all := []Text{
		{"the honest one, damaged", damage(c.Text)},
		{"the honest one, prolonged", c.Text[:min(len(c.Text)&^3,
			len(whole))] + whole[min(len(c.Text)&^3, len(whole)):]},
		{"base64", whole},
		{"base64, bad at its end", whole[:len(whole)-1] + "!"},
		{"URL token", whole[:len(whole)-4] + "AA2"},
		{"hex", digits},
		{"hex, bad at its end", digits[:len(digits)-1] + "!"},
		{"blanks", fill(" ")},
		{"base64 between blanks", fill("A ")},
		{"base64 with a blank", whole[:len(whole)-4] + " AAA"},
		{"percent escapes", fill("%41")},
		{"percent escapes of four bytes", fill("%F0%9F%98%80")},
		{"percent escapes that are cut off", fill("%F0%9F%98")},
		{"percent escapes of no text", fill("%F0")},
		{"percent signs", fill("%")},
		{"no base64", fill("!")},
		{"quotes", fill(`"`)},
		{"announced chunks", "chunks:60"},
	}
	if c.Envelope {
		for _, x := range c.envelopes(size / 4 * 3) {
			all = append(all, Text{"envelope: " + x.Name,
				base64.StdEncoding.EncodeToString([]byte(x.Text))})
		}
	}
	return all
}

// damage changes a digit in the middle, where a MAC covers it if anything does.
func damage(text string) string {
	b := []byte(text)
	if len(b) == 0 {
		return ""
	}
	i := len(b) / 2
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

// envelopes returns XML documents of about a size, around the names of an
// honest one. There are none if the honest text is no envelope.
func (c *Credential) envelopes(size int) []Text {
	honest, err := base64.StdEncoding.DecodeString(c.Text)
	if err != nil {
		return nil
	}
	head, rest, _ := strings.Cut(string(honest), "<Identifier>")
	id, rest, _ := strings.Cut(rest, "</Identifier>")
	between, content, _ := strings.Cut(rest, "<Cookie ")
	open, content, _ := strings.Cut(content, ">")
	open = between + "<Cookie " + open + ">"
	_, tail, ok := strings.Cut(content, "</Cookie>")
	if !ok {
		return nil
	}
	tail = "</Cookie>" + tail
	room := size - len(head) - len(id) - len(open) - len(tail) - 100
	fill := func(unit string) string { return strings.Repeat(unit, max(room, 0)/len(unit)) }
	doc := func(beforeID, inID, afterID, cookie string) string {
		return head + beforeID + "<Identifier>" + id + inID + "</Identifier>" +
			afterID + open + cookie + tail
	}
	attributes := func(s string) string {
		return strings.Replace(head, "<SecurityContextToken ", "<SecurityContextToken "+s+" ", 1)
	}
	numbered := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < room; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	whole := fill("AAAA")
	plain := doc("", "", "", whole)
	bare := strings.TrimPrefix(plain, "\xEF\xBB\xBF")
	undeclared := bare[strings.Index(bare, "<Sec"):]
	utf16 := strings.Join(strings.Split(doc("", "", "",
		fill("AAAAAAAA")[:max(room, 0)/16*8])[len("\xEF\xBB\xBF"):], ""), "\x00")
	utf16 = strings.Replace(utf16, "u\x00t\x00f\x00-\x008", "u\x00t\x00f\x00-\x001\x006", 1)
	protected, _ := base64.StdEncoding.DecodeString(whole)
	signed := append([]byte{0, 1, 0, 0}, protected[4:]...) // a signature of 256 bytes
	return []Text{
		{"plain", plain},
		{"plain, bad at its end", doc("", "", "", whole[:max(len(whole)-4, 0)]+"!AAA")},
		{"plain, another prefix", strings.Replace(strings.Replace(plain, "p1:", "q:", 1), ":p1", ":q", 1)},
		{"plain, no mark", bare},
		{"hex",
			doc("", "", "",
				base64.StdEncoding.EncodeToString([]byte(strings.ToUpper(hex.EncodeToString(protected[:len(protected)/2])))))},
		{"hex, bad at its end", doc("", "", "",
			base64.StdEncoding.EncodeToString(append(bytes.Repeat([]byte("0"), len(protected)&^1-2),
				"0!"...)))},
		{"a signature", doc("", "", "", base64.StdEncoding.EncodeToString(signed))},
		{"a signature with DPAPI in it", doc("", "", "",
			"AQAAANCMnd8BFdERjHoAwE/Cl+s"+whole[:max(len(whole)-28, 0)]+"A")},
		{"blanks in Cookie", doc("", "", "", fill("A "))},
		{"lines in Cookie", doc("", "", "", fill(strings.Repeat("A", 76)+"\r\n"))},
		{"one blank in Cookie", doc("", "", "", " "+whole)},
		{"one reference in Cookie", doc("", "", "", "&#65;AAA"+whole)},
		{"references in Cookie", doc("", "", "", fill("&#65;"))},
		{"entities in Cookie", doc("", "", "", fill("&lt;"))},
		{"CDATA in Cookie", doc("", "", "", fill("<![CDATA[A]]>"))},
		{"one CDATA in Cookie", doc("", "", "", "<![CDATA["+fill("A")+"]]>")},
		{"comments in Cookie", doc("", "", "", fill("A<!---->"))},
		{"elements in Cookie", doc("", "", "", fill("<a/>"))},
		{"other text in Cookie", doc("", "", "", fill("\u20AC"))},
		{"references in Identifier", doc("", fill("&#65;"), "", "AAAA")},
		{"entities in Identifier", doc("", fill("&amp;"), "", "AAAA")},
		{"CDATA in Identifier", doc("", fill("<![CDATA[A]]>"), "", "AAAA")},
		{"text in Identifier", doc("", fill("A"), "", "AAAA")},
		{"lines in Identifier", doc("", fill("\r\n"), "", "AAAA")},
		{"blanks before", doc(fill(" "), "", "", "AAAA")},
		{"lines before", doc(fill("\r"), "", "", "AAAA")},
		{"references to blanks", doc(fill("&#32;"), "", "", "AAAA")},
		{"comments before", doc(fill("<!---->"), "", "", "AAAA")},
		{"comments between", doc("", "", fill("<!---->"), "AAAA")},
		{"one comment", doc("", "", "<!--"+fill("x")+"-->", "AAAA")},
		{"CDATA before", doc(fill("<![CDATA[ ]]>"), "", "", "AAAA")},
		{"attributes", attributes(numbered(`a%d="" `)) + "</SecurityContextToken>"},
		{"namespaces", attributes(numbered(`xmlns:n%d="urn:x" `)) + "</SecurityContextToken>"},
		{"one attribute", attributes(`a="`+fill("x")+`"`) + "</SecurityContextToken>"},
		{"an attribute of references", attributes(`a="`+fill("&#65;")+`"`) + "</SecurityContextToken>"},
		{"an attribute of quotes", attributes(`a="`+fill("'")+`"`) + "</SecurityContextToken>"},
		{"spaces in a tag", attributes(fill(" ")) + "</SecurityContextToken>"},
		{"a long name", "<" + fill("a") + ">"},
		{"deep", fill("<a>")},
		{"elements behind", plain[:len(head)] + fill("<Identifier></Identifier>")},
		{"text behind", undeclared[:min(len(undeclared), 600)] + fill(" ")},
		{"a document type", "<!DOCTYPE a [" + fill(`<!ENTITY a "b">`) + "]>" + undeclared},
		{"a declaration", "<?xml " + fill(" ") + "?>" + undeclared},
		{"instructions", fill("<?a?>")},
		{"UTF-16, little endian", "\xFF\xFE" + utf16 + "\x00"},
		{"UTF-16, big endian", "\xFE\xFF\x00" + utf16},
		{"UTF-16, other letters", "\xFF\xFE" + fill("\xAC\x20")},
		{"UTF-16, pairs", "\xFF\xFE" + fill("\x3D\xD8\x00\xDE")},
	}
}
