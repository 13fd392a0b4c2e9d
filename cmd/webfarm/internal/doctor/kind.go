package doctor

import (
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
)

// Kind is one kind of credential.
type Kind = site.Kind

// The kinds of credential.
const (
	FedAuth   = site.FedAuth
	WIF10     = site.WIF10
	Forms     = site.Forms
	Katana    = site.Katana
	Bearer    = site.Bearer
	Refresh   = site.Refresh
	AuthCode  = site.AuthCode
	State     = site.State
	Roles     = site.Roles
	Anonymous = site.Anonymous
)

// Chunking is the scheme by which cookies carry k.
func Chunking(k Kind) chunks.Scheme {
	if k.Scheme() == site.SchemeNone {
		return chunks.Single
	}
	return chunks.Scheme(k.Scheme())
}
