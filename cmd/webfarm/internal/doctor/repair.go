package doctor

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"github.com/webfarm-go/webfarm/internal/site"
)

// repair is a possible text of a credential before something on its way changed it.
type repair struct {
	code   string // empty for the text as it came
	text   string
	detail string // what was undone, for the sentence
}

// repairs returns the texts to search, beginning with the given one.
func (f *found) repairs() []repair {
	list := []repair{{text: f.text}}
	add := func(code, text, detail string) {
		for _, r := range list {
			if r.text == text {
				return
			}
		}
		if text != "" && len(list) < maxRepairs {
			list = append(list, repair{code, text, detail})
		}
	}
	for _, r := range f.copies() {
		add("duplicate_cookie", r.text, r.detail)
	}
	if text, detail, ok := f.withoutStale(); ok {
		add("stale_chunk", text, detail)
	}
	plain, times := f.text, 0
	if f.kind == Katana {
		times = 1 // Katana escapes and unescapes once
	}
	for range 3 {
		if !strings.Contains(plain, "%") {
			break
		}
		next, err := url.PathUnescape(plain)
		if err != nil {
			break
		}
		plain, times = next, times+1
		add("url_encoded", plain, timesText(times))
	}
	if strings.ContainsRune(plain, ' ') {
		code := "plus_to_blank"
		if plain != f.text {
			code = "url_encoded"
		}
		add(code, strings.ReplaceAll(plain, " ", "+"), "form-encoded")
	}
	if text := strings.Trim(plain, `"'`); text != plain {
		add("quoted", strings.ReplaceAll(text, " ", "+"), "")
	}
	if f.kind.IsSession() || f.kind == "" || f.kind == site.SQSession {
		for _, d := range undress(plain) {
			add("other_dress", d.text, d.how)
		}
	}
	return list
}

// repaired is the finding for a text that opens when something is undone, nil for nothing.
func (f *found) repaired(r repair) *Finding {
	if r.code == "" {
		return nil
	}
	return f.says(r.code, "detail", r.detail)
}

// otherCopy is the finding for a credential of which a node reads another copy than the first, which
// counts.
func (e *exam) otherCopy(ctx context.Context, n *Node, f found) (*Finding, *opened) {
	for _, r := range f.copies() {
		copied := f
		copied.text, copied.err = r.text, nil
		if o, reads := e.read(ctx, n, copied); reads {
			return f.says("duplicate_cookie", "detail", r.detail), o
		}
	}
	return nil, nil
}

// copies returns the texts that use later cookies of the same name.
func (f *found) copies() (list []repair) {
	if f.set == nil {
		return nil
	}
	first, last := 0, f.set.Joined
	if f.set.Announced > 0 {
		first, last = 1, f.set.Announced+1
	}
	join := func(later func(i int) bool) string {
		text := ""
		for i := first; i < last; i++ {
			v := f.values[i]
			switch {
			case len(v) == 0:
				return ""
			case later(i):
				text += v[len(v)-1]
			default:
				text += v[0]
			}
		}
		return text
	}
	for _, c := range f.set.Chunks[:f.set.Joined] {
		if c.Differ {
			list = append(list, repair{"", join(func(i int) bool { return i == c.Index }), c.Name})
		}
	}
	if len(list) > 1 {
		list = append(list, repair{"", join(func(int) bool { return true }), list[0].detail})
	}
	return list
}

// withoutStale cuts a session of WIF at the end of its XML, and names the cookie that begins behind
// it.
func (f *found) withoutStale() (text, detail string, ok bool) {
	whole := compact(f.text)
	head := whole
	if pad := strings.IndexByte(head, '='); pad >= 0 { // padding in the middle ends the first text
		head = head[:len(head)-len(strings.TrimLeft(head[pad:], "="))]
	}
	doc, err := base64.StdEncoding.DecodeString(head[:len(head)/4*4])
	if err != nil {
		doc, err = base64.StdEncoding.DecodeString(upTo(head))
	}
	e := readEnvelope(doc)
	text = base64.StdEncoding.EncodeToString(doc[:len(doc)-e.rest])
	if err != nil || !e.complete || text == whole {
		return "", "", false
	}
	detail = "the end of the value"
	if f.set != nil {
		at := 0
		for _, c := range f.set.Chunks[:f.set.Joined] {
			if at >= len(text) {
				detail = c.Name
				break
			}
			at += c.Size
		}
	}
	return text, detail, true
}

// label is the credential for a sentence.
func (f *found) label() string {
	switch {
	case f.name != "":
		return "the cookie " + f.name
	case f.kind == Bearer:
		return "the bearer token"
	case f.inURL:
		return "the cookieless credential in the URL"
	}
	return "the credential"
}

// chunkName is the name of one chunk.
func (f *found) chunkName(i int) string {
	if f.set == nil || i == 0 {
		return f.name
	}
	if f.kind == Katana || f.set.Announced > 0 {
		return fmt.Sprintf("%sC%d", f.name, i)
	}
	return fmt.Sprintf("%s%d", f.name, i)
}

func timesText(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times over", n)
}
