package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/gateway"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
)

// standardInput is what reports call the file "-".
const standardInput = "standard input"

// configFlags are the flags of the web.configs. They read standard input and pipes once.
type configFlags struct {
	config []string
	root   string
	folder *os.Root          // of root, nil without one
	texts  map[string][]byte // of the files that can be read only once
}

func (c *configFlags) define(flags *pflag.FlagSet) {
	flags.StringArrayVar(&c.config, "config", nil, "")
	flags.StringVar(&c.root, "root", "", "")
}

// openFiles opens -root, and reads what can be read only once.
func (c *configFlags) openFiles(in io.Reader) (err error) {
	if c.root != "" {
		if c.folder, err = os.OpenRoot(c.root); err != nil {
			return setupError{fmt.Errorf("webfarm: -root: %w", err)}
		}
	}
	c.texts = map[string][]byte{}
	for i, path := range c.config {
		from := in
		if path == "" {
			return usageError("-config is empty: the name of a web.config")
		} else if path == "-" {
			path = standardInput
			c.config[i] = path
		} else if info, err := os.Stat(path); err != nil || info.IsDir() || info.Mode().IsRegular() {
			continue // or the error is that of reading
		} else {
			f, err := os.Open(path)
			if err != nil {
				return setupError{fmt.Errorf("webfarm: -config: %w", err)}
			}
			defer f.Close()
			from = f
		}
		if c.root != "" {
			return usageError(fmt.Sprintf("-root needs a -config that is a file, not %s", path))
		}
		if c.texts[path] != nil {
			return usageError(
				fmt.Sprintf("-config: %s is given twice, and can be read only once", path))
		}
		text, err := io.ReadAll(io.LimitReader(from, webconfig.MaxFileBytes+1))
		if err != nil {
			return setupError{fmt.Errorf("webfarm: -config %s: %w", path, err)}
		}
		c.texts[path] = append([]byte{}, text...)
	}
	return nil
}

// file is where a subcommand finds the web.config at path.
func (c *configFlags) file(path string) (f gateway.File, err error) {
	f.Text = c.texts[path]
	if c.folder != nil {
		f.FS = c.folder.FS()
	}
	f.Path, err = c.below(path)
	return f, err
}

// below returns the name of a file below -root, or the path without one.
func (c *configFlags) below(path string) (string, error) {
	if c.folder == nil || path == "" {
		return path, nil
	}
	root, err := filepath.Abs(c.root)
	whole, err2 := filepath.Abs(path)
	name, err3 := filepath.Rel(root, whole)
	if errors.Join(err, err2, err3) != nil || !filepath.IsLocal(name) {
		return "", usageError(fmt.Sprintf("%s is not below -root %s", path, c.root))
	}
	return filepath.ToSlash(name), nil
}

// loadSite resolves the web.config at path.
func (c *configFlags) loadSite(path string, o *site.Options) (*site.Site, error) {
	f, err := c.file(path)
	if err != nil {
		return nil, err
	}
	s, err := f.Resolve(o)
	var bad *webconfig.Error
	if errors.As(err, &bad) {
		return nil, setupError{fmt.Errorf("webfarm: %s: %w%s", path, (*machinekey.ConfigError)(bad),
			transformHelp(path, bad))}
	}
	return s, credentialError(err)
}
