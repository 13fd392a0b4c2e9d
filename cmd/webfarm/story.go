package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/texts"
	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// story is the demo from sign-in to sign-out, in the form of -json.
type story struct {
	OK     bool     `json:"ok"`
	URL    string   `json:"url"`
	Nodes  []string `json:"nodes"`
	KeyID  string   `json:"keyId"`
	Ring   string   `json:"keyRingKeyId"` // the key of the key ring
	Scenes []*scene `json:"scenes"`

	algorithms string
	codec      *sessiontoken.SessionCodec // for the changed cookie
}

// scene is one part of the demo: a few requests and their answers.
type scene struct {
	Title string      `json:"title"`
	Steps []*exchange `json:"steps"`
	Note  string      `json:"note,omitempty"`
	Wrong string      `json:"wrong,omitempty"` // the first failure
}

//go:embed story.txt
var scenesFile string

// scenes are the titles and remarks of the scenes.
var scenes = texts.Parse(scenesFile)

func newStory(f *farm, shared sharedKeys) (*story, error) {
	n, err := newNode("", shared, nil) // a third one, for its keys
	if err != nil {
		return nil, err
	}
	key := n.files[0]
	return &story{URL: f.URL, Nodes: f.NodeURLs, KeyID: key.KeyID, Ring: n.farm.core.Keys()[0].ID,
		codec: n.codec, algorithms: key.Decryption + " and " + key.Validation}, nil
}

// play acts the scenes in order and stops at the first failure.
func (s *story) play(ctx context.Context) {
	v, err := newVisitor(s.URL)
	if err != nil {
		s.Scenes = append(s.Scenes, &scene{Title: "A browser", Wrong: err.Error()})
		return
	}
	for _, part := range []struct {
		id  string // in story.txt
		act func(*scene)
	}{
		{"nobody", func(sc *scene) {
			sc.ask(ctx, v, http.StatusUnauthorized)
			sc.ask(ctx, v, http.StatusUnauthorized)
		}},
		{"oneCookie", func(sc *scene) {
			sc.signIn(ctx, v, "alice", 1)
			sc.askBoth(ctx, v)
		}},
		{"manyChunks", func(sc *scene) {
			sc.signIn(ctx, v, "carol", 3)
			sc.askBoth(ctx, v)
		}},
		{"changed", func(sc *scene) {
			header, where, layer := s.tamper(ctx, v.cookies())
			if header == "" {
				sc.Wrong = "no character could be changed"
				return
			}
			e := sc.do(ctx, v, http.StatusUnauthorized, http.MethodGet, "/me", nil, header)
			e.Says = where
			sc.Note = scenes["changed"].Text("note", "layer", layer)
		}},
		{"shorter", func(sc *scene) { // Carol's session was longer
			e := sc.signIn(ctx, v, "alice", 1)
			sc.expectDeleted(e, "FedAuth1", "FedAuth2")
			sc.ask(ctx, v, http.StatusOK)
		}},
		{"signOut", func(sc *scene) {
			sc.signIn(ctx, v, "carol", 3)
			sc.signOut(ctx, v, "FedAuth", "FedAuth1", "FedAuth2")
			sc.ask(ctx, v, http.StatusUnauthorized)
			if n := len(v.cookies()); n != 0 {
				sc.wrong("the browser still has %s", plural(n, "cookie"))
			}
		}},
		{"core", func(sc *scene) {
			sc.enter(ctx, v, url.Values{"user": {"alice"}, "core": {"on"}}, 1)
			sc.askBoth(ctx, v)
			sc.signOut(ctx, v, coreCookie)
		}},
	} {
		scene := &scene{Title: scenes[part.id].Text("title")}
		part.act(scene)
		s.Scenes = append(s.Scenes, scene)
		if scene.Wrong != "" {
			return
		}
	}
	s.OK = true
}

// tamper returns a Cookie header with one character changed near the middle. The text remains
// base64 and XML, and only the machine key shows the change. It also returns a sentence about the
// change and the layer that refuses it.
func (s *story) tamper(ctx context.Context, cookies []*http.Cookie) (header, where, layer string) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	if len(cookies) == 0 {
		return "", "", ""
	}
	part := len(cookies) / 2
	value := cookies[part].Value
	for at := len(value) / 2; at < len(value); at++ {
		for _, c := range alphabet {
			changed := value[:at] + string(c) + value[at+1:]
			if changed == value {
				continue
			}
			header, text := "", ""
			for i, ck := range cookies {
				v := ck.Value
				if i == part {
					v = changed
				}
				header, text = header+"; "+ck.Name+"="+v, text+v
			}
			layers := anatomy.Of(ctx, s.codec.Decode, text).Layers
			last := layers[len(layers)-1]
			if last.Err != nil && textOf(site.FedAuth, last.Name).Text("code") == "machine-key" {
				return header[2:],
					scenes["changed"].Text("says", "n", at+1, "cookie", cookies[part].Name,
						"new", strconv.QuoteRune(c), "old", strconv.QuoteRune(rune(value[at]))),
					last.Name
			}
		}
	}
	return "", "", ""
}

// do makes a request, records it, and notes a status other than the expected one.
func (sc *scene) do(ctx context.Context, v *visitor, status int,
	method, path string, form url.Values, cookies string) *exchange {
	e, err := v.do(ctx, method, path, form, cookies)
	if err != nil {
		sc.wrong("%s %s: %v", method, path, err)
	}
	sc.Steps = append(sc.Steps, e)
	if e.Status != status {
		sc.wrong("the answer is %d, not %d", e.Status, status)
	}
	return e
}

// signIn signs the user in and expects this number of cookies.
func (sc *scene) signIn(ctx context.Context, v *visitor, user string, chunks int) *exchange {
	return sc.enter(ctx, v, url.Values{"user": {user}}, chunks)
}

// enter is signIn with a whole form.
func (sc *scene) enter(ctx context.Context, v *visitor, form url.Values, chunks int) *exchange {
	e := sc.do(ctx, v, http.StatusSeeOther, http.MethodPost, "/signin", form, "")
	set := 0
	for _, c := range e.Cookies {
		if !c.Deleted {
			set++
		}
	}
	if set != chunks {
		sc.wrong("%s got %s, not %d", form.Get("user"), plural(set, "cookie"), chunks)
	}
	return e
}

// signOut signs the user out and expects these cookies to be deleted.
func (sc *scene) signOut(ctx context.Context, v *visitor, names ...string) {
	e := sc.do(ctx, v, http.StatusSeeOther, http.MethodPost, "/signout", nil, "")
	sc.expectDeleted(e, names...)
}

// ask asks who is signed in.
func (sc *scene) ask(ctx context.Context, v *visitor, status int) *exchange {
	return sc.do(ctx, v, status, http.MethodGet, "/me", nil, "")
}

// askBoth asks the node that did not sign the user in, and then the one that did. Both must
// describe the user alike.
func (sc *scene) askBoth(ctx context.Context, v *visitor) {
	issuer := sc.Steps[len(sc.Steps)-1]
	user, _ := findUser(issuer.user)
	other, same := sc.ask(ctx, v, http.StatusOK), sc.ask(ctx, v, http.StatusOK)
	if other.Node == issuer.Node || same.Node != issuer.Node {
		sc.wrong("the balancer did not take turns")
	}
	for _, e := range []*exchange{other, same} {
		principal := user.principal(issuer.Node)
		want := newMeReport(e.Node, &principal)
		if fmt.Sprint(e.me) != fmt.Sprint(want) {
			sc.wrong("node %s says %+v, not %+v", e.Node, e.me, want)
		}
	}
}

// expectDeleted notes cookies that were not deleted.
func (sc *scene) expectDeleted(e *exchange, names ...string) {
	for _, name := range names {
		if !slices.ContainsFunc(e.Cookies,
			func(c cookieChange) bool { return c.Name == name && c.Deleted }) {
			sc.wrong("%s is not deleted", name)
		}
	}
}

// wrong notes a failure, unless there is one already.
func (sc *scene) wrong(format string, args ...any) {
	if sc.Wrong == "" {
		sc.Wrong = fmt.Sprintf(format, args...)
	}
}

// text tells the story to people.
func (s *story) text(goesOn bool) []byte {
	var b bytes.Buffer
	fmt.Fprint(&b,
		"Two Go nodes share a machine key and a key ring, as the nodes of an ASP.NET farm\ndo, and nothing else.\n\n")
	rows := [][]string{{"machine key", fmt.Sprintf("id %s, %s, made for this run and not shown",
		s.KeyID, s.algorithms)},
		{"key ring",
			fmt.Sprintf("id %s, AES_256_CBC and HMACSHA256, made for this run and not shown",
				s.Ring)}}
	for i, url := range s.Nodes {
		rows = append(rows, []string{"node " + nodeNames()[i], url})
	}
	rows = append(rows,
		[]string{"balancer", s.URL + "  each request goes to the next node"},
		[]string{"cookies", "Path=/; HttpOnly; SameSite=Lax"},
		[]string{"", "Secure is off: this is plain http, where some browsers drop such cookies " +
			"even on loopback. On a site with https it belongs on."})
	writeTable(&b, "  ", rows)
	for i, sc := range s.Scenes {
		fmt.Fprintf(&b, "\n%d. %s\n", i+1, folded(sc.Title, "   "))
		sc.print(&b)
	}
	switch {
	case !s.OK:
		fmt.Fprint(&b, "\nThe demo failed.\n")
	case goesOn:
		fmt.Fprintf(&b, "\nAll as expected. Now yours: open %s and end with Ctrl-C.\n", s.URL)
	default:
		fmt.Fprint(&b, "\nAll as expected. \"webfarm demo -serve\" is the same for your browser.\n")
	}
	return b.Bytes()
}

func (sc *scene) print(b *bytes.Buffer) {
	var rows [][]string
	for _, e := range sc.Steps {
		sent := "no cookie"
		if e.Sent > 0 {
			sent = plural(e.Sent, "cookie")
		}
		answer := strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)))
		rows = append(rows, []string{e.Request, sent, "-> node " + e.Node, answer, e.Says})
		for _, c := range e.Cookies {
			if c.Deleted {
				rows = append(rows, []string{"    deletes " + c.Name})
			} else {
				rows = append(rows, []string{"    sets " + c.Name, plural(c.Size, "character")})
			}
		}
	}
	writeTable(b, "   ", rows)
	if sc.Note != "" {
		fmt.Fprintf(b, "   %s\n", folded(sc.Note, "   "))
	}
	if sc.Wrong != "" {
		fmt.Fprintf(b, "   NOT AS EXPECTED: %s\n", folded(sc.Wrong, "   "))
	}
}
