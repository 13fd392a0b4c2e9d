package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// transformHelp says how to get the file that runs, where the one at path is a transform of the
// build.
func transformHelp(path string, err *webconfig.Error) string {
	if err.Found != webconfig.FoundTransform {
		return ""
	}
	base, configuration := transformPair(path)
	return "\n" + helpText("transform", "file", filepath.Base(path), "base", base,
		"configuration", configuration)
}

// transformPair returns the file that a transform changes, and the configuration of the build that
// applies it: web.config and Release for web.Release.config.
func transformPair(path string) (base, configuration string) {
	parts := strings.Split(filepath.Base(path), ".")
	if len(parts) < 3 {
		return "web.config", "Release"
	}
	return parts[0] + "." + parts[len(parts)-1], strings.Join(parts[1:len(parts)-1], ".")
}

// transformsBeside returns the transforms beside a file: the build applies one of them to it.
func transformsBeside(path string) []string {
	extension := filepath.Ext(path)
	paths, err := filepath.Glob(strings.TrimSuffix(path, extension) + ".*" + extension)
	if err != nil { // the path holds a special character
		return nil
	}
	var names []string
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		text, _ := io.ReadAll(io.LimitReader(f, webconfig.MaxFileBytes))
		f.Close()
		if bytes.Contains(text, []byte(webconfig.TransformNamespace)) {
			names = append(names, filepath.Base(path))
		}
	}
	return names
}
