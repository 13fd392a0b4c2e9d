package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// ringHit says what opens a payload of Data Protection.
type ringHit struct {
	setup
	node             *Node // whose ring
	app              string
	purpose          purpose
	limited, revoked bool
	opened           opened
}

// onRing reports whether a credential is for the key ring of the node, not for its web.config.
func (n *Node) onRing(f *found) bool {
	_, is := payloadOf(f.text)
	return n.ring != nil && (is || f.kind.IsCore() || !n.hasConfig())
}

// marker is the value of the cookie itself, which may count its chunks.
func (f *found) marker() string {
	text := strings.Join(f.values[0][:min(len(f.values[0]), 1)], "")
	text, _ = url.PathUnescape(text)
	return text
}

// examineRing examines one credential that a key ring protects.
func (e *exam) examineRing(ctx context.Context, f found, c *Credential) {
	e.purposes = e.ringPurposes(f)
	hit := e.searchRings(ctx, f)
	f.kind = cmp.Or(f.kind, site.Core)
	c.Kind, c.Tried.Keys = f.kind, len(e.nodes)
	for _, n := range e.nodes {
		list, layer := e.ringFindings(n, f, hit)
		c.Verdicts = append(c.Verdicts, n.verdict(f.kind, list, layer))
	}
	if hit != nil {
		c.OpenedBy = &OpenedBy{Kind: hit.kind, AuthType: hit.authType, File: hit.node.file,
			Key: e.payload.Key, Application: hit.app}
		c.Layers = hit.opened.layers
		c.contents(hit.opened, e.o.Now)
	}
}

// searchRings looks for the ring, the application name and the purposes that open a credential.
func (e *exam) searchRings(ctx context.Context, f found) *ringHit {
	for _, r := range f.repairs() {
		p, ok := payloadOf(r.text)
		if !ok {
			continue
		}
		if e.triedTexts++; e.payload == nil {
			e.payload = &p
		}
		for _, n := range e.nodes {
			key, in := n.ring.key(p.Key)
			if !in || key.Err != nil {
				continue
			}
			for _, app := range e.applications() {
				for i := range 2 * len(e.purposes) {
					purpose, limited := e.purposes[i/2], i%2 == 1
					if e.spent(&e.triedOpen, maxOpen) {
						return nil
					}
					// A revoked key opens too: it shows whether anything else is wrong.
					protector, err := n.ring.Keys.DangerousProtector(purpose.chain(app, limited)...)
					if err == nil { // UTF-8
						_, _, err = protector.Unprotect(ctx, nil, p.Data)
					}
					if err != nil {
						continue
					}
					e.payload, e.repair = &p, r
					h := &ringHit{node: n, app: app, purpose: purpose, limited: limited,
						revoked: key.Revoked}
					h.kind, h.authType, h.mode = purpose.kind, purpose.authType, machinekey.Framework45
					h.keys = n.ring.Keys.Traits().Application(app)
					o, isCredential := h.open(ctx, r.text, e.view(n, h.kind))
					if h.opened = o; !isCredential || limited || key.Revoked {
						h.opened = opened{layers: []Layer{{"text", len(r.text), true},
							{"key ring", len(p.Data), true}}}
					}
					return h
				}
			}
		}
	}
	return nil
}

// expects is what a node opens a credential as: its kind, scheme and application name.
func (e *exam) expects(n *Node, f found) (k Kind, scheme, app string) {
	switch k = f.kind; {
	case len(e.o.Purposes) > 0:
		return site.Protected, "", n.ring.App
	case k.IsCore() && k != site.Core:
		return k, "", n.ring.App
	case k == Katana && n.site.OnRing(k) && n.hasConfig():
		return k, f.authType, n.site.Key.ApplicationName
	case k != site.Core && n.site.OnRing(k) && n.hasConfig():
		return k, "", n.site.Key.ApplicationName
	case k == Bearer:
		return site.CoreBearer, "", n.ring.App
	}
	own := n.site.Of(site.Core, "")
	if c := n.site.Named(f.name); c != nil && c.Kind == site.Core {
		own = c
	}
	return site.Core, own.AuthenticationType, n.ring.App
}

// ringFindings returns the reasons for which a node does not take what a key ring protects, and the
// layer.
func (e *exam) ringFindings(n *Node, f found, hit *ringHit) (list []Finding, layer string) {
	if e.payload == nil || f.err != nil {
		return []Finding{*e.noPayload(n, f)}, "cookie"
	}
	add := func(found *Finding) { list = append(list, *found) }
	switch m := f.marker(); {
	case strings.HasPrefix(m, "chunks:") && e.o.Kind != Katana:
		add(n.says(f, "core_chunks/katana"))
	case strings.HasPrefix(m, "chunks-") && e.o.Kind == Katana:
		add(n.says(f, "core_chunks/core"))
	}
	list = noted(list, f.repaired(e.repair))
	p := *e.payload
	key, in := n.ring.key(p.Key)
	words := []any{"key", p.Key, "guid", "{" + p.Key + "}", "ring", n.ring.Source,
		"version", p.Version, "size", len(p.Data), "near", limitNear(f), "tried", e.triedOpen,
		"invalid", invalid(key.Algorithm), "error", key.Err}
	switch {
	case p.Version != 0:
		add(n.says(f, "core_text/version", words...))
	case p.Key == "":
		add(n.says(f, "truncated/payload", words...))
	case !in:
		add(e.keyMissing(n, f))
	case key.Revoked:
		add(n.says(f, "core_key_revoked", words...))
	case key.Err != nil && key.Certificate != nil:
		add(n.says(f, "core_key_unreadable/certificate", words...))
	case key.Err != nil && strings.HasPrefix(key.Decryptor, "Dpapi"):
		add(n.says(f, "core_key_unreadable/dpapi", words...))
	case key.Err != nil:
		add(n.says(f, "core_key_unreadable", words...))
	case hit == nil && !p.Whole(key.Algorithm):
		add(n.says(f, "truncated/payload", words...))
	case hit == nil:
		add(n.says(f, "core_unknown", words...))
	}
	if hit == nil {
		return list, "key ring"
	}
	differences := e.ringDifferences(n, f, hit, invalid(key.Algorithm))
	if list = append(list, differences...); len(differences) > 0 || hit.revoked {
		return list, "key ring"
	}
	authentic := f.label() + " is authentic"
	if bad := e.inside(n, f, hit.kind, hit.opened); bad != nil {
		add(bad)
	} else if errors.Is(hit.opened.err, sessiontoken.ErrInvalid) {
		add(n.says(f, "core_text/alphabet"))
	} else if missing := hit.opened.lacks; len(missing) > 0 &&
		hit.authType == "Identity.Application" {
		add(n.says(f, "identity_stamp", "missing", listed(missing), "authentic", authentic))
	}
	own := n.site.Of(site.Core, hit.authType).Name
	if hit.kind == site.Core && f.name != "" && f.name != e.o.Name &&
		!strings.EqualFold(own, f.name) {
		add(n.says(f, "cookie_name/core", "kind", hit.kind, "own", own, "name", f.name))
	}
	return list, "ticket"
}

// ringDifferences are the settings in which a node differs from what opens a payload.
func (e *exam) ringDifferences(n *Node, f found, hit *ringHit, invalid string) (list []Finding) {
	kind, scheme, app := e.expects(n, f)
	chain := hit.purpose.chain("", false)
	apps := []any{"found", quoted(hit.app), "own", quoted(app), "invalid", invalid}
	words := []any{"found", strconv.Quote(hit.authType), "own", strconv.Quote(scheme),
		"invalid", invalid, "what", cmp.Or(hit.purpose.what, hit.kind.String()), "kind", kind}
	add := func(found *Finding) { list = append(list, *found) }
	switch {
	case hit.app == app:
	case strings.TrimRight(hit.app, `/\`) == strings.TrimRight(app, `/\`):
		add(n.says(f, "core_application/root", apps...))
	default:
		add(n.says(f, "core_application", apps...))
	}
	switch {
	case len(e.o.Purposes) > 0 && slices.Equal(chain, e.o.Purposes):
	case len(e.o.Purposes) > 0:
		add(n.says(f, "core_purpose/chain", "found", quoted(chain...), "own",
			quoted(e.o.Purposes...), "invalid", invalid))
	case hit.kind == kind && (scheme == "" || hit.authType == scheme):
	case hit.kind != kind || kind != site.Core:
		add(n.says(f, "core_purpose", words...))
	case slices.Contains(externalSchemes, hit.authType):
		add(n.says(f, "core_external", words...))
	default:
		add(n.says(f, "core_scheme", words...))
	}
	if hit.limited {
		add(n.says(f, "core_time_limited", words...))
	}
	return list
}

// keyMissing is the finding for a key that is not in the node's ring. Another node's ring shows why.
func (e *exam) keyMissing(n *Node, f found) *Finding {
	id := e.payload.Key
	words := []any{"key", id, "guid", "{" + id + "}", "ring", n.ring.Source, "count",
		len(n.ring.Keys.Keys())}
	if len(e.nodes) < 2 {
		return n.says(f, "core_key_missing", words...)
	}
	other := e.nodes[0]
	if other == n {
		other = e.nodes[1]
	}
	shared := n.ring.shared(other.ring)
	words = append(words, []any{"other", other.ring.Source, "shared", shared}...)
	switch _, in := other.ring.key(id); {
	case in && shared == 0:
		return n.says(f, "core_key_missing/other_ring", words...)
	case in:
		return n.says(f, "core_key_missing/behind", words...)
	}
	return n.says(f, "core_key_missing/neither", words...)
}

// noPayload is the finding for a text that no key ring has protected.
func (e *exam) noPayload(n *Node, f found) *Finding {
	what := foreign(f.name, f.text)
	switch {
	case f.err != nil && f.set != nil && len(f.set.Chunks) == 0:
		return f.says("no_cookie/core", "others",
			cmp.Or(listed(f.others[:min(len(f.others), 8)]), "no cookie"))
	case what != "" && what != "aspnet_core":
		return f.says(what, "is", findings[what].Text("is"))
	}
	return cmp.Or(n.header(f), n.says(f, "core_text"))
}

// invalid is what .NET says of a payload that a key with such an algorithm does not open.
func invalid(algorithm string) string {
	if strings.HasSuffix(algorithm, "GCM") {
		return "The computed authentication tag did not match the input authentication tag"
	}
	return "The payload was invalid"
}

// quoted quotes purposes, or an application name.
func quoted(list ...string) string {
	if len(list) == 1 && list[0] == "" {
		return "none"
	}
	return strings.Trim(fmt.Sprintf("%q", list), "[]")
}
