package webconfig

import (
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Load is [Parse] for a file on disk. A configSource is looked up below the
// file's folder and cannot lead out of it, not even by a symbolic link.
func Load(name string) (*File, error) {
	r, err := os.Open(name)
	return load(r, err, func(source string) (io.ReadCloser, error) {
		folder, err := os.OpenRoot(filepath.Dir(name))
		if err != nil {
			return nil, err
		}
		defer folder.Close() // files opened through it stay open
		return folder.Open(filepath.FromSlash(source))
	})
}

// LoadFS is [Load] for a file of fsys. A configSource may lead to any file of
// fsys.
func LoadFS(fsys fs.FS, name string) (*File, error) {
	folder := path.Dir(name)
	r, err := fsys.Open(name)
	f, err := load(r, err, func(source string) (io.ReadCloser, error) {
		return fsys.Open(path.Join(folder, source))
	})
	if err == nil {
		f.folder = folder
	}
	return f, err
}

func load(r io.ReadCloser, err error, beside func(source string) (io.ReadCloser, error)) (*File, error) {
	if err != nil {
		return nil, &Error{Code: CodeUnreadable, Err: err}
	}
	defer r.Close()
	return Parse(r, beside)
}
