package dataprotection

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// Repository is where the elements of a ring lie (.NET: IXmlRepository). Its
// methods may be called at the same time.
//
// A repository may have a third method, so that of many keepers one makes the
// next key:
//
//	StoreIf(ctx context.Context, name string, xml []byte, count int) (stored bool, err error)
//
// It is Store on the condition that there are still as many elements as
// Elements has given. If not, it stores nothing and reports false.
type Repository interface {
	// Elements calls each for every element, in any order: its name, such as a
	// file's, which is for errors only, and its XML. It stops at the first error
	// of each and returns it. Each keeps nothing of xml.
	Elements(ctx context.Context, each func(name string, xml []byte) error) error
	// Store adds one element under a friendly name, such as "key-28f02350-…".
	Store(ctx context.Context, name string, xml []byte) error
}

type conditional interface {
	StoreIf(ctx context.Context, name string, xml []byte, count int) (stored bool, err error)
}

// Path returns the ring at path, which may be
//
//   - a folder with one element in every file *.xml, as
//     PersistKeysToFileSystem keeps it; as there, the case of .xml counts and
//     folders inside are not looked at. Store adds a file.
//   - a file with one document: any root element whose children are the
//     elements, as for Azure Blob Storage, or one element alone. It is never
//     written.
func Path(path string) Repository { return pathRepository(path) }

type pathRepository string

func (p pathRepository) Elements(ctx context.Context, each func(string, []byte) error) error {
	info, err := os.Stat(string(p))
	if err != nil {
		return err
	}
	if !info.IsDir() {
		data, err := readFile(string(p), maxRing)
		if err != nil {
			return err
		}
		return eachChild(filepath.Base(string(p)), data, each)
	}
	files, err := os.ReadDir(string(p))
	if err != nil {
		return err
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".xml") || f.IsDir() {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		data, err := readFile(filepath.Join(string(p), f.Name()), maxElement)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // removed meanwhile, or a link to nothing
		case err != nil:
			return err
		}
		if err := each(f.Name(), data); err != nil {
			return err
		}
	}
	return nil
}

// readFile reads at most limit bytes and one more, by which a file that is too
// long is noticed.
func readFile(path string, limit int64) ([]byte, error) {
	if info, err := os.Stat(path); err != nil { // before Open, which waits for a pipe's writer
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// Store writes the element as .NET does (FileSystemXmlRepository): under
// another name first, then renamed, so that nobody reads half of it.
func (p pathRepository) Store(_ context.Context, name string, xml []byte) error {
	if info, err := os.Stat(string(p)); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("dataprotection: %s is one document, to which nothing is added; "+
			"use a folder", string(p))
	}
	if name == "" || strings.ContainsFunc(name, unsafeInName) {
		return fmt.Errorf("dataprotection: %q is no name for an element: "+
			"letters, digits, - and _ are", name)
	}
	temporary, err := os.CreateTemp(string(p), name+"-*.tmp") // readable by the owner only
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // fails once it is renamed
	_, err = temporary.WriteString("\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\n")
	if err == nil {
		_, err = temporary.Write(xml)
	}
	if err == nil {
		err = temporary.Sync()
	}
	if err = errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), filepath.Join(string(p), name+".xml"))
}

func unsafeInName(r rune) bool {
	return r >= utf8.RuneSelf ||
		r != '-' && r != '_' && !unicode.IsDigit(r) && !unicode.IsLetter(r)
}

// Document returns a ring of one document, as [Path] reads it from a file.
// Nothing can be added to it.
func Document(xml []byte) Repository {
	data := bytes.Clone(xml)
	return document(func() []byte { return data })
}

// document has the bytes behind a function, so that nothing prints them.
type document func() []byte

func (d document) Elements(_ context.Context, each func(string, []byte) error) error {
	return eachChild("", d(), each)
}

func (d document) Store(context.Context, string, []byte) error {
	return errors.New("dataprotection: nothing is added to a document; use a folder")
}

// eachChild calls each for the elements of a document. Its root is itself one
// if it is a key or a revocation.
func eachChild(name string, data []byte, each func(string, []byte) error) error {
	root, err := xmltree.Parse(data, xmltree.Limits{Bytes: maxRing,
		Elements: maxDocumentParts, Depth: maxDepth})
	if err != nil {
		return &RingError{File: name, Err: err}
	}
	if isKey(root) || isRevocation(root) {
		return each(name, data)
	}
	for i, c := range root.Children {
		childName := strings.TrimPrefix(fmt.Sprintf("%s, element %d", name, i+1), ", ")
		if c.Size > maxElement {
			return &RingError{File: childName, Err: tooLong(c.Size)}
		}
		if err := each(childName, xmltree.Append(nil, c)); err != nil {
			return err
		}
	}
	return nil
}

func tooLong(size int) error {
	return fmt.Errorf("%w: more than %d bytes", xmltree.ErrLimit, min(size, maxElement))
}
