package testvectors_test

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/testvectors"
)

// folderVariable names the folder to run in the place of the recorded files.
const folderVariable = "WEBFARM_VECTORS"

// file is one file of vectors, and the account of what ran.
type file struct {
	name   string // "kdf.json", "webconfig/forms-site.json"
	family string // of pairs, which share one
	data   []byte
	config []byte // of pairs: the web.config beside it
	own    bool   // from a folder of one's own, not of the recorded set

	run   func(*testing.T, *file)
	count int // vectors in the recorded file

	total, ran int
	stricter   []string // vectors refused although .NET accepts them
	unissued   int      // values that .NET writes and we do not
}

// loadRecorded returns the files that the package embeds.
func loadRecorded() ([]*file, error) {
	contents := map[string][]byte{}
	for _, name := range testvectors.Names() {
		data, err := testvectors.Read(name)
		if err != nil {
			return nil, err
		}
		contents[name] = data
	}
	return sortOut(contents, false)
}

// loadFolder returns the files of a folder.
func loadFolder(dir string) ([]*file, error) {
	contents, err := readFolder(dir)
	if err != nil {
		return nil, err
	}
	return sortOut(contents, true)
}

// readFolder reads the files of a folder, some of which may be compressed.
func readFolder(dir string) (map[string][]byte, error) {
	if !filepath.IsAbs(dir) { // go test runs in the folder of the package
		dir = filepath.Join("..", dir)
	}
	contents := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name, packed := strings.CutSuffix(filepath.ToSlash(name), ".gz")
		if _, twice := contents[name]; twice {
			return fmt.Errorf("%s is there twice, with and without .gz", name)
		}
		contents[name], err = readFile(path, packed)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", folderVariable, err)
	}
	if len(contents) == 0 {
		return nil, fmt.Errorf("%s: %s holds no files", folderVariable, dir)
	}
	return contents, nil
}

func readFile(path string, packed bool) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil || !packed {
		return data, err
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return io.ReadAll(r)
}

// sortOut finds for each file what runs it, in the order of names. A file that
// nothing runs is an error.
func sortOut(contents map[string][]byte, own bool) ([]*file, error) {
	var files []*file
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		f := &file{name: name, data: contents[name], own: own}
		if i := slices.IndexFunc(families,
			func(fam family) bool { return fam.name == name }); i >= 0 {
			f.run, f.count = families[i].run, families[i].count
		} else if base, ok := strings.CutSuffix(name, ".config"); ok &&
			contents[base+".json"] != nil && inWebConfig(name) {
			continue // taken together with its .json
		} else if base, ok := strings.CutSuffix(name, ".json"); ok &&
			contents[base+".config"] != nil && inWebConfig(name) {
			f.run, f.count, f.family, f.config = pair.run, pair.count, pair.name, contents[base+
				".config"]
		} else {
			return nil,
				fmt.Errorf("unknown file %q: the names are those of the README; a web.config needs its .json, and the reverse", name)
		}
		files = append(files, f)
	}
	return files, nil
}

func inWebConfig(name string) bool {
	rest, ok := strings.CutPrefix(name, "webconfig/")
	return ok && !strings.Contains(rest, "/")
}

// header is what the files have in common.
type header struct {
	Format              int
	File                string
	Note, Notes, Source string
	Count               *int
}

// check fails unless the header fits the file and its n vectors, beside which
// there may be other lists.
func (h *header) check(t *testing.T, f *file, n int, others ...int) {
	t.Helper()
	if n == 0 && !slices.ContainsFunc(others, func(n int) bool { return n > 0 }) {
		t.Fatal("no vectors")
	}
	if h.Format != 0 && h.Format != 1 {
		t.Errorf("format %d is not known", h.Format)
	}
	if !strings.HasSuffix(strings.TrimSuffix(f.name, ".json"), h.File) {
		t.Errorf("the file says it is %q", h.File)
	}
	if h.Count != nil && *h.Count != n {
		t.Errorf("%d vectors, the file says %d", n, *h.Count)
	}
}

// decode reads JSON all of whose keys must be fields of v.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the value")
	}
	return nil
}

// decodeBoth reads an object whose keys must be fields of v, and keeps it also
// as a tree.
func decodeBoth(data []byte, v any, tree *map[string]any) error {
	if err := decode(data, v); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(tree)
}

// jsonTree returns v as it would be read from JSON.
func jsonTree(t *testing.T, v any) (tree map[string]any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

// read decodes a whole file.
func (f *file) read(t *testing.T, v any) {
	t.Helper()
	if err := decode(f.data, v); err != nil {
		t.Fatal(err)
	}
}

// hexBytes is a binary value in hex, nil where the key is absent.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}
