package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/texts"
	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/machinekey"
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

func newScene(id string) *scene { return &scene{Title: scenes[id].Text("title")} }

func newStory(f *farm, cfg machinekey.Config, key *machinekey.Key, shared sharedKeys) (*story, error) {
	keys, err := shared.openRing(context.Background())
	if err != nil {
		return nil, err
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		return nil, err
	}
	codec, err := sessiontoken.NewSessionCodec(ring, nil)
	if err != nil {
		return nil, err
	}
	return &story{URL: f.URL, Nodes: f.NodeURLs, KeyID: key.ID(),
		Ring: keys.Keys()[0].ID, codec: codec,
		algorithms: fmt.Sprintf("%v and %v", cfg.Decryption, cfg.Validation)}, nil
}

// play acts the scenes in order and stops at the first failure.
func (s *story) play(ctx context.Context) {
	v, err := newVisitor(s.URL)
	if err != nil {
		s.Scenes = append(s.Scenes, &scene{Title: "A browser", Wrong: err.Error()})
		return
	}
	for _, act := range []func(context.Context, *visitor) *scene{
		s.nobody, s.oneCookie, s.manyChunks, s.changed, s.shorter, s.signOut, s.core,
	} {
		scene := act(ctx, v)
		s.Scenes = append(s.Scenes, scene)
		if scene.Wrong != "" {
			return
		}
	}
	s.OK = true
}

// nobody asks both nodes without a cookie.
func (s *story) nobody(ctx context.Context, v *visitor) *scene {
	sc := newScene("nobody")
	sc.ask(ctx, v, http.StatusUnauthorized)
	sc.ask(ctx, v, http.StatusUnauthorized)
	return sc
}

// oneCookie signs a user in whose session fits one cookie.
func (s *story) oneCookie(ctx context.Context, v *visitor) *scene {
	sc := newScene("oneCookie")
	sc.signIn(ctx, v, "alice", 1)
	sc.askBoth(ctx, v)
	return sc
}

// manyChunks signs a user in with enough claims for three cookies.
func (s *story) manyChunks(ctx context.Context, v *visitor) *scene {
	sc := newScene("manyChunks")
	sc.signIn(ctx, v, "carol", 3)
	sc.askBoth(ctx, v)
	return sc
}

// changed sends Carol's cookies with one character changed.
func (s *story) changed(ctx context.Context, v *visitor) *scene {
	sc := newScene("changed")
	header, where, layer := s.tamper(ctx, v.cookies())
	if header == "" {
		sc.Wrong = "no character could be changed"
		return sc
	}
	e := sc.do(ctx, v, &visit{method: http.MethodGet, path: "/me", cookies: header})
	sc.expect(e, http.StatusUnauthorized)
	e.Says = where
	sc.Note = scenes["changed"].Text("note", "layer", layer)
	return sc
}

// shorter signs Alice in over Carol, whose session was longer.
func (s *story) shorter(ctx context.Context, v *visitor) *scene {
	sc := newScene("shorter")
	e := sc.signIn(ctx, v, "alice", 1)
	sc.expectDeleted(e, "FedAuth1", "FedAuth2")
	sc.ask(ctx, v, http.StatusOK)
	return sc
}

// signOut brings Carol back and signs her out.
func (s *story) signOut(ctx context.Context, v *visitor) *scene {
	sc := newScene("signOut")
	sc.signIn(ctx, v, "carol", 3)
	e := sc.do(ctx, v, &visit{method: http.MethodPost, path: "/signout"})
	sc.expect(e, http.StatusSeeOther)
	sc.expectDeleted(e, "FedAuth", "FedAuth1", "FedAuth2")
	sc.ask(ctx, v, http.StatusUnauthorized)
	if n := len(v.cookies()); n != 0 {
		sc.wrong("the browser still has %s", plural(n, "cookie"))
	}
	return sc
}

// core signs Alice in and out with a cookie of ASP.NET Core.
func (s *story) core(ctx context.Context, v *visitor) *scene {
	sc := newScene("core")
	sc.enter(ctx, v, url.Values{"user": {"alice"}, "core": {"on"}}, 1)
	sc.askBoth(ctx, v)
	e := sc.do(ctx, v, &visit{method: http.MethodPost, path: "/signout"})
	sc.expectDeleted(e, coreCookie)
	return sc
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
			var pairs, texts []string
			for i, ck := range cookies {
				v := ck.Value
				if i == part {
					v = changed
				}
				pairs, texts = append(pairs, ck.Name+"="+v), append(texts, v)
			}
			layers := anatomy.Of(ctx, s.codec.Decode, strings.Join(texts, "")).Layers
			last := layers[len(layers)-1]
			if last.Err != nil && textOf(kindFedAuth, last.Name).Text("code") == "machine-key" {
				return strings.Join(pairs, "; "),
					scenes["changed"].Text("says", "n", at+1, "cookie", cookies[part].Name,
						"new", strconv.QuoteRune(c), "old", strconv.QuoteRune(rune(value[at]))),
					last.Name
			}
		}
	}
	return "", "", ""
}

// do makes a request and records it.
func (sc *scene) do(ctx context.Context, v *visitor, r *visit) *exchange {
	e, err := v.do(ctx, r)
	if err != nil {
		sc.wrong("%s %s: %v", r.method, r.path, err)
	}
	sc.Steps = append(sc.Steps, e)
	return e
}

// signIn signs the user in and expects this number of cookies.
func (sc *scene) signIn(ctx context.Context, v *visitor, user string, chunks int) *exchange {
	return sc.enter(ctx, v, url.Values{"user": {user}}, chunks)
}

// enter is signIn with a whole form.
func (sc *scene) enter(ctx context.Context, v *visitor, form url.Values, chunks int) *exchange {
	e := sc.do(ctx, v, &visit{method: http.MethodPost, path: "/signin", form: form})
	sc.expect(e, http.StatusSeeOther)
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

// ask asks who is signed in.
func (sc *scene) ask(ctx context.Context, v *visitor, status int) *exchange {
	e := sc.do(ctx, v, &visit{method: http.MethodGet, path: "/me"})
	sc.expect(e, status)
	return e
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
		want := newMeReport(e.Node, ptr(user.principal(issuer.Node)))
		if fmt.Sprint(e.me) != fmt.Sprint(want) {
			sc.wrong("node %s says %+v, not %+v", e.Node, e.me, want)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// expect notes a status other than the expected one.
func (sc *scene) expect(e *exchange, status int) {
	if e.Status != status {
		sc.wrong("the answer is %d, not %d", e.Status, status)
	}
}

// expectDeleted notes cookies that were not deleted.
func (sc *scene) expectDeleted(e *exchange, names ...string) {
	for _, name := range names {
		found := false
		for _, c := range e.Cookies {
			found = found || c.Name == name && c.Deleted
		}
		if !found {
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
