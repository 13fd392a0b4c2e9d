// Package testvectors embeds the vectors recorded from .NET's own code that
// the tests, fuzz targets and benchmarks of this module run against. The
// README beside this file documents each file's format key by key.
//
// The package is data: [Names] lists the files and [Read] returns one. Each
// reader declares the Go types it needs. No expected value in these files is
// ever written by Go code.
package testvectors

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

//go:embed *.json *.json.gz webconfig
var files embed.FS

// Names returns the slash-separated names of all vector files, without the
// .gz that large ones have in the source tree, in lexical order.
func Names() []string {
	var names []string
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimSuffix(path, ".gz"))
		}
		return err
	})
	if err != nil {
		panic("testvectors: embedded files: " + err.Error()) // unreachable: the tree is in the binary
	}
	return names
}

// Read returns the contents of the named vector file, uncompressed.
func Read(name string) ([]byte, error) {
	if data, err := files.ReadFile(name); err == nil {
		return data, nil
	}
	packed, err := files.ReadFile(name + ".gz")
	if err != nil {
		return nil, fmt.Errorf("testvectors: no file %q", name)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("testvectors: %s: %w", name, err)
	}
	return io.ReadAll(r)
}
