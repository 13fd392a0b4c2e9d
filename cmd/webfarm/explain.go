package main

import (
	_ "embed"
	"errors"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/texts"
	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

//go:embed layers.txt
var layersFile string

// layerFile explains each layer, and the usual reasons for which it refuses a credential.
var layerFile = texts.Parse(layersFile)

// layerCookie is the outermost layer: the header.
const layerCookie = "cookie"

// textOf returns the section of layers.txt for a layer of a credential. Package sessiontoken
// gives the layer its name.
func textOf(k kind, name string) texts.Section {
	families := []string{"fedauth"}
	switch {
	case k == site.Forms:
		families = []string{"forms"}
	case k == site.Roles, k == site.Anonymous:
		families = []string{"urltoken"}
	case k.IsKatana():
		families = []string{"katana"}
	case k == site.Core, k == site.CoreBearer, k == site.CoreRefresh:
		families = []string{"core"}
	case k.IsCore():
		families = []string{"payload", "core"}
	case k == site.State:
		families = []string{"state", "katana"}
	case k == site.WIF10:
		families = []string{"wif10", "fedauth"}
	}
	for _, family := range families {
		if t := layerFile[family+"/"+name]; t != nil {
			return t
		}
	}
	return texts.Section{"code": {name}, "refused": layerFile["error/unknown"]["refused"]}
}

// refusal says why a cookie was refused.
type refusal struct {
	Layer   string   `json:"layer"`
	Error   string   `json:"error"`
	Meaning string   `json:"meaning"`
	Reasons []string `json:"reasons"`
}

// refuse returns the refusal of a layer with the words of a section.
func refuse(code string, err error, t texts.Section) *refusal {
	return &refusal{Layer: code, Error: err.Error(), Meaning: t.Text("refused"),
		Reasons: t["reason"]}
}

// explain turns the error of a layer into a refusal. From the text of the credential it only
// recognises other kinds.
func explain(t texts.Section, err error, c credential) *refusal {
	r := refuse(t.Text("code"), err, t)
	var first []string
	if c.set != nil && (r.Layer == "text" || r.Layer == "envelope" || r.Layer == "cookie") {
		first = problems(c.set)
	}
	if id := errorText(err, r.Layer, c.kind); id != "" {
		r = refuse(r.Layer, err, layerFile["error/"+id])
	} else if r.Layer == "text" || r.Layer == "envelope" ||
		r.Layer == "machine-key" && !c.kind.IsSession() {
		if is := doctor.Foreign(c.name, c.text); is != "" && !c.kind.IsCore() {
			first = append(first, layerFile["looks"].Text("foreign", "is", is))
		} else if dress := doctor.Dress(c.text); dress != "" {
			first = append(first, layerFile["looks"].Text("dress", "is", dress))
		} else if look := otherKind(c.kind, c.text); look != "" {
			first = append(first, layerFile["looks"].Text(look))
		}
	}
	r.Reasons = append(first, r.Reasons...)
	return r
}

// errorTexts are the sections of errors that say more than their layers.
var errorTexts = []struct {
	is error
	id string
}{
	{cookie.ErrTooLong, "too_large"},
	{layer.ErrTooLong, "too_large"},
	{cookie.ErrMissingChunk, "missing_chunk"},
	{layer.ErrDPAPI, "dpapi"},
	{wif.ErrCoreWCF, "corewcf"},
	{wif.ErrV45, "other_format"},
	{wif.ErrV10, "other_format"},
	{sessiontoken.ErrExpired, "expired"},
	{sessiontoken.ErrNotYetValid, "not_yet_valid"},
	{sessiontoken.ErrEndpoint, "endpoint"},
	{errNoRing, "no_ring"},
}

// errorText names the section of an error that says more than its layer, empty for others.
func errorText(err error, at string, k kind) string {
	for _, e := range errorTexts {
		switch {
		case !errors.Is(err, e.is):
		case e.id == "expired" && k.IsSession():
			return "expired_session"
		default:
			return e.id
		}
	}
	if (k.IsKatana() || k.IsCore()) && at == "validity" && errors.Is(err, sessiontoken.ErrUnsupported) {
		return "no_end"
	}
	return ""
}

// explainSetup is the refusal of a kind that the configuration rules out.
func explainSetup(err error) *refusal {
	return refuse("configuration", err, layerFile["error/configuration"])
}

// otherKind names what a text looks like that is not of the kind k, empty if unknown.
func otherKind(k kind, value string) string {
	value = strings.TrimSpace(value)
	only := func(alphabet string) bool { return strings.Trim(value, alphabet) == "" }
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	switch {
	case value == "":
		return "empty"
	case k != site.Katana && strings.HasPrefix(value, "chunks:"):
		return "katana_chunks"
	case strings.Contains(value, "%"):
		return "percent"
	case strings.HasPrefix(value, "77u/PD94bWwg") && !k.IsSession():
		return "wif"
	case k != site.Forms && only("0123456789ABCDEFabcdef"):
		return "forms"
	case k.IsSession() && strings.ContainsAny(value, "-_") && only(letters+"-_="):
		return "base64url"
	}
	return ""
}
