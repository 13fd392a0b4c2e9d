package farm

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// insertionsAlike puts every fragment at every place of the XML around a
// session token, the middle of the base64 apart, and also in place of every
// byte, and asks both sides. It is the part of damagedAlike that can be
// exhausted.
func insertionsAlike(t *testing.T, pipe *Pipe) {
	e := &exchange{random: random{seed.Of(t).Rand}, t: t, pipe: pipe, counts: counts{}}
	sites := e.sites()
	e.open(&sites[0])
	s := e.opened[0]
	text, err := s.session.Encode(context.Background(), &sessiontoken.Token{
		ID: "_1", ContextID: machinekey.NewSecret([]byte("urn:uuid:0")), KeyGeneration: "g", ValidTo: time.Unix(0, 0),
		Principal: sessiontoken.Principal{Identities: []sessiontoken.Identity{{AuthenticationType: "x"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	xml, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	from, to := bytes.Index(xml, []byte(`security">`))+len(`security">`)+2, bytes.Index(xml,
		[]byte("</Cookie>"))-4
	if from < 0 || to < from {
		t.Fatalf("no cookie in %q", xml)
	}
	step := share.OneIn(t, 23)
	var cookies []damaged
	var requests []*Message
	for at := 0; at <= len(xml); at++ {
		if at > from && at < to {
			continue
		}
		for i, fragment := range append([]string{""}, fragments...) {
			if (at+i)%step != 0 {
				continue
			}
			for _, behind := range []int{at, min(at+1, len(xml))} {
				d := damaged{inside: append(append(xml[:at:at], fragment...), xml[behind:]...)}
				d.text = base64.StdEncoding.EncodeToString(d.inside)
				if token, err := s.session.Decode(context.Background(), d.text); err == nil {
					d.read = NewMessage("")
					addSession(d.read, token)
				}
				cookies = append(cookies, d)
				requests = append(requests, NewMessage("read", "kind", "fedauth", "key", s.name,
					"text", d.text))
			}
		}
	}
	e.compare(cookies, requests)
	t.Logf("%d cookies with insertions: %s", len(cookies), fmt.Sprint(map[string]int(e.counts)))
}
