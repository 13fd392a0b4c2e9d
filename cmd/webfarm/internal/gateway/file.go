package gateway

import (
	"bytes"
	"io/fs"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
)

// File is a web.config: a path on the machine, a name in a tree, or text that was read already.
type File struct {
	Path string // empty for a site with a key ring alone
	FS   fs.FS  // where Path is, nil for the machine's disks
	Text []byte // of standard input or a pipe, nil for a file
}

// Load makes the site of the file, or of the key ring alone.
func (f File) Load(o *cookie.SiteOptions) (*cookie.Site, error) {
	switch {
	case f.Path == "":
		return cookie.NewSite(machinekey.Config{}, o)
	case f.Text != nil:
		return cookie.ParseSite(bytes.NewReader(f.Text), o)
	case f.FS != nil:
		return cookie.LoadSiteFS(f.FS, f.Path, o)
	}
	return cookie.LoadSite(f.Path, o)
}

// Resolve reads the settings of the file.
func (f File) Resolve(o *site.Options) (*site.Site, error) {
	switch {
	case f.Text != nil:
		return site.Parse(f.Path, bytes.NewReader(f.Text), o)
	case f.FS != nil:
		return site.LoadFS(f.FS, f.Path, o)
	}
	return site.Load(f.Path, o)
}

// followed reports whether there is a file that can change.
func (f File) followed() bool { return f.Path != "" && f.Text == nil }
