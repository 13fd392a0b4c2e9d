package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/pflag"
)

// showVersion is the subcommand version.
type showVersion struct{}

func (showVersion) define(*pflag.FlagSet) {}

func (showVersion) run(_ context.Context, _ []string, s streams) error {
	v := builtFrom(debug.ReadBuildInfo())
	return s.report(v, func() []byte { return fmt.Appendln(nil, v) }, true)
}

// version is what the build notes in the binary.
type version struct {
	Version  string `json:"version"` // (devel) without a release
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"` // since that revision
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func builtFrom(info *debug.BuildInfo, ok bool) version {
	v := version{Version: "(devel)", Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if !ok {
		return v
	}
	v.Version = cmp.Or(info.Main.Version, v.Version)
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func (v version) String() string {
	text := "webfarm " + v.Version
	if v.Revision != "" {
		text += ", revision " + v.Revision
	}
	if v.Modified {
		text += " with changes"
	}
	return text + ", " + v.Go + ", " + v.Platform
}
