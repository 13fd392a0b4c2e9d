package main

import (
	_ "embed"
	"errors"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/texts"
	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

//go:embed layers.txt
var layersFile string

// layerFile says in plain words what each layer is, and what usually makes it
// refuse a credential.
var layerFile = texts.Parse(layersFile)

// layerText is a section of layers.txt: one layer of one kind.
type layerText struct{ texts.Section }

// code is short and stable, for -json and the margin.
func (t layerText) code() string { return t.Text("code") }

// layerCookie is the layer before all others: the header.
const layerCookie = "cookie"

// textOf returns the text of the layer that package sessiontoken calls name,
// in a credential of that kind.
func textOf(k kind, name string) layerText {
	families := []string{"fedauth"}
	switch {
	case k == kindForms:
		families = []string{"forms"}
	case k == kindRoles, k == kindAnonymous:
		families = []string{"urltoken"}
	case k.IsKatana():
		families = []string{"katana"}
	case k == kindState:
		families = []string{"state", "katana"}
	case k == kindWIF10:
		families = []string{"wif10", "fedauth"}
	}
	for _, family := range families {
		if t := layerFile[family+"/"+name]; t != nil {
			return layerText{t}
		}
	}
	return layerText{texts.Section{"code": {name}, "refused": layerFile["error/unknown"]["refused"]}}
}

// refusal says why a cookie was refused.
type refusal struct {
	Layer   string   `json:"layer"`
	Error   string   `json:"error"`
	Meaning string   `json:"meaning"`
	Reasons []string `json:"reasons"`
}

// refuse returns the refusal of a layer in the words of a text.
func refuse(code string, err error, t texts.Section) *refusal {
	return &refusal{Layer: code, Error: err.Error(), Meaning: t.Text("refused"), Reasons: t["reason"]}
}

// explain turns the error of a layer into a refusal. The text of the
// credential only serves to recognise other kinds.
func explain(t layerText, err error, c credential) *refusal {
	r := refuse(t.code(), err, t.Section)
	var first []string
	if c.set != nil && (r.Layer == "text" || r.Layer == "envelope" || r.Layer == "cookie") {
		first = problems(c.set)
	}
	if id := errorText(err, r.Layer, c.kind); id != "" {
		r = refuse(r.Layer, err, layerFile["error/"+id])
	} else if r.Layer == "text" || r.Layer == "envelope" || r.Layer == "machine-key" && !c.kind.IsSession() {
		if look := otherKind(c.kind, c.text); look != "" {
			first = append(first, layerFile["looks"].Text(look))
		}
	}
	r.Reasons = append(first, r.Reasons...)
	return r
}

// errorText names the text of an error that says more than its layer does,
// empty for the others.
func errorText(err error, at string, k kind) string {
	switch {
	case errors.Is(err, cookie.ErrTooLong), errors.Is(err, layer.ErrTooLong):
		return "too_large"
	case errors.Is(err, cookie.ErrMissingChunk):
		return "missing_chunk"
	case errors.Is(err, layer.ErrDPAPI):
		return "dpapi"
	case errors.Is(err, wif.ErrCoreWCF):
		return "corewcf"
	case errors.Is(err, wif.ErrV45), errors.Is(err, wif.ErrV10):
		return "other_format"
	case errors.Is(err, sessiontoken.ErrExpired) && k.IsSession():
		return "expired_session"
	case errors.Is(err, sessiontoken.ErrExpired):
		return "expired"
	case errors.Is(err, sessiontoken.ErrNotYetValid):
		return "not_yet_valid"
	case errors.Is(err, sessiontoken.ErrEndpoint):
		return "endpoint"
	case k.IsKatana() && at == "validity" && errors.Is(err, sessiontoken.ErrUnsupported):
		return "no_end"
	}
	return ""
}

// explainSetup is the refusal of a kind that the configuration does not serve.
func explainSetup(err error) *refusal {
	return refuse("configuration", err, layerFile["error/configuration"])
}

// otherKind names the look of text that is not of the kind k, empty for text
// that looks like nothing else.
func otherKind(k kind, value string) string {
	value = strings.TrimSpace(value)
	only := func(alphabet string) bool { return strings.Trim(value, alphabet) == "" }
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	switch {
	case value == "":
		return "empty"
	case strings.HasPrefix(value, "CfDJ8"):
		return "core"
	case strings.HasPrefix(value, "eyJ"):
		return "jwt"
	case k != kindKatana && strings.HasPrefix(value, "chunks:") || strings.HasPrefix(value, "chunks-"):
		return "katana_chunks"
	case strings.Contains(value, "%"):
		return "percent"
	case strings.HasPrefix(value, "77u/PD94bWwg") && !k.IsSession():
		return "wif"
	case k != kindForms && only("0123456789ABCDEFabcdef"):
		return "forms"
	case k.IsSession() && strings.ContainsAny(value, "-_") && only(letters+"-_="):
		return "base64url"
	}
	return ""
}
