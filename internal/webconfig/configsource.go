package webconfig

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// include replaces a section that consists of configSource="folder\file" by
// the root of that file.
func (s *Section) include() *Section {
	const attribute = "configSource"
	source, _ := s.Attr(attribute)
	name, want := s.r.f.sourcePath(source)
	switch {
	case want != "":
		s.fault(CodeConfigSourcePath, attribute, secret.Quote(source), want)
	case len(s.Attrs) > 1, len(s.Element.Children) > 0,
		strings.Trim(s.Element.Text, " \n\t\r") != "":
		s.fault(CodeConfigSourceNotAlone, attribute, "other attributes or content beside it",
			"everything else in "+secret.Quote(source))
	case s.r.f.open == nil:
		s.fault(CodeConfigSourceMissing, attribute, secret.Quote(source),
			"the web.config loaded from disk, so that this file beside it can be read")
	}
	if s.r.err != nil {
		return s
	}
	in, err := s.readFile(name)
	if err != nil {
		want := "that file below the folder of the web.config"
		if strings.Contains(err.Error(), "escapes") { // a link, see os.Root
			want += ", or " + fromAbove
		}
		fault := s.newFault(CodeConfigSourceMissing, attribute, secret.Quote(source), want)
		fault.Err = err
		s.r.fail(fault)
		return s
	}
	if _, ok := in.Attr(attribute); ok {
		in.fault(CodeConfigSourcePath, attribute, "a configSource inside a configSource",
			"the section itself")
	}
	in.refuseEncrypted()
	return in
}

// besideFile is a file beside the web.config. It is read once, so that a section
// which is asked for twice is the same one both times.
type besideFile struct {
	root    *xmltree.Element
	openErr error // of opening
	err     error // in what was read
}

func (f *File) beside(name string) besideFile {
	if b, ok := f.files[name]; ok {
		return b
	}
	var b besideFile
	var r io.ReadCloser
	if r, b.openErr = f.open(name); b.openErr == nil {
		b.root, b.err = readXML(r)
		r.Close()
	}
	f.files[name] = b
	return b
}

// readFile reads the section from a file that consists of it. The error is one
// of opening the file; a fault inside it is kept.
func (s *Section) readFile(name string) (*Section, error) {
	b := s.r.f.beside(name)
	if b.openErr != nil {
		return nil, b.openErr
	}
	var bad *Error
	if errors.As(b.err, &bad) {
		fault := *bad
		fault.Section, fault.File = s.Path, name
		s.r.fail(&fault)
		return s.r.absent(s.Path), nil
	}
	in := &Section{Path: s.Path, File: name, RefLine: s.RefLine, Element: b.root, r: s.r}
	if b.root.Space != "" || b.root.Name != s.Name {
		in.fault(CodeUnknownElement, "", "root <"+secret.Name(b.root.Name)+">",
			fmt.Sprintf("<%s>, the section itself", s.Name))
	}
	return in, nil
}

// fromAbove is what reads a web.config whose files are in sibling folders.
const fromAbove = "LoadSiteFS of a folder above both"

// leaves reports whether a path with slashes leads out of what bounds it: the
// folder of the file, or the tree of LoadFS.
func (f *File) leaves(name string) bool {
	if f.folder == "" {
		return strings.Contains("/"+name+"/", "/../")
	}
	return strings.HasPrefix(path.Join(f.folder, name)+"/", "../")
}

// sourcePath returns the value of configSource with slashes: a relative path
// with backslashes that does not leave what bounds it. For another value it says
// what would be right.
func (f *File) sourcePath(source string) (name, want string) {
	slashed := strings.ReplaceAll(source, `\`, "/")
	switch {
	case source == "" || strings.TrimSpace(source) != source:
		return "", "a file name without blanks around it"
	case strings.HasPrefix(slashed, "../") && f.leaves(slashed):
		return "", "a file inside the folder of the web.config, as .NET does, or " + fromAbove
	case strings.Contains(source, "/"):
		return "", `backslashes between folder and file, as in "config\machineKey.config"`
	case strings.HasPrefix(source, `\`) || strings.Contains(source, ":"):
		return "", "a path relative to the folder of the web.config"
	case strings.ContainsAny(source, `*?"<>|`) ||
		strings.ContainsFunc(source, func(c rune) bool { return c < ' ' }):
		return "", "a file name that Windows allows"
	}
	if f.leaves(slashed) {
		return "", "a file inside the folder of the web.config"
	}
	if name = path.Clean(slashed); name == "." {
		return "", "a file name"
	}
	return name, ""
}

// mergeFile returns the root of the file that <appSettings file="…"> names,
// an absent section if there is no such file. If it cannot be looked for, a
// warning says why.
func (s *Section) mergeFile(source string) (more *Section, warning string) {
	more = s.r.absent(s.Path)
	f := s.r.f
	name := strings.ReplaceAll(source, `\`, "/") // unlike configSource, slashes are fine here
	if !path.IsAbs(name) {
		name = path.Join(path.Dir(s.File), name)
	}
	switch {
	case source == "" || s.r.err != nil:
		return more, ""
	case f.open == nil:
		return more, fmt.Sprintf("file=%s was not read, as the web.config was not loaded from disk; "+
			"switches there are not seen", secret.Quote(source))
	case path.IsAbs(name) || f.leaves(name) || name == "." || strings.Contains(name, ":"):
		return more, fmt.Sprintf("file=%s is outside the folder of the web.config and was not read; "+
			"switches there are not seen", secret.Quote(source))
	}
	in, err := s.readFile(name)
	switch {
	case err == nil:
		in.Done() // no attributes there, so no third file either
		return in, ""
	case !errors.Is(err, fs.ErrNotExist):
		fault := s.newFault(CodeUnreadable, "file", secret.Quote(source), "")
		fault.Err = err
		s.r.fail(fault)
	}
	return more, ""
}
