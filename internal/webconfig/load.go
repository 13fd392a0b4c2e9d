package webconfig

import (
	"io"
	"os"
	"path/filepath"
)

// Load is [Parse] for a file on disk. A configSource is looked up below the
// file's folder and cannot lead out of it, not even by a symbolic link.
func Load(path string) (*File, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, &Error{Code: CodeUnreadable, Err: err}
	}
	defer r.Close()
	return Parse(r, &Options{Open: func(name string) (io.ReadCloser, error) {
		folder, err := os.OpenRoot(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		defer folder.Close() // files opened through it stay open
		return folder.Open(filepath.FromSlash(name))
	}})
}
