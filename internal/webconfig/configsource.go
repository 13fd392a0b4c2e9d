package webconfig

import (
	"fmt"
	"strings"
)

// include replaces a section that consists of configSource="folder\file" by
// the root of that file.
func (f *File) include(s *Section) (*Section, error) {
	const attribute = "configSource"
	source, _ := s.Attr(attribute)
	name, err := s.sourcePath(source)
	if err != nil {
		return nil, err
	}
	if len(s.Attrs) > 1 || len(s.Element.Children) > 0 || s.HasText {
		return nil, s.fault(CodeConfigSourceNotAlone, attribute, "other attributes or content beside it",
			"everything else in "+quote(source))
	}
	if f.open == nil {
		return nil, s.fault(CodeConfigSourceMissing, attribute, quote(source), "the web.config loaded from disk, so that this file beside it can be read")
	}
	r, err := f.open(name)
	if err != nil {
		fault := s.fault(CodeConfigSourceMissing, attribute, quote(source), "that file below the folder of the web.config")
		fault.Err = err
		return nil, fault
	}
	defer r.Close()
	root, err := readXML(r)
	if err != nil {
		if e, ok := err.(*Error); ok {
			e.Section = s.Path
		}
		return nil, inFile(err, name)
	}
	in := &Section{Path: s.Path, File: name, RefLine: s.RefLine, Element: root}
	if root.Space != "" || root.Name != s.Name {
		return nil, in.fault(CodeUnknownElement, "", "root <"+showName(root.Name)+">", fmt.Sprintf("<%s>, the section itself", s.Name))
	}
	if _, ok := in.Attr(attribute); ok {
		return nil, in.fault(CodeConfigSourcePath, attribute, "a configSource inside a configSource", "the section itself")
	}
	if err := in.refuseEncrypted(); err != nil {
		return nil, err
	}
	return in, nil
}

// sourcePath checks the value of configSource and returns it with slashes: a
// relative path with backslashes that stays inside the folder of the file.
func (s *Section) sourcePath(source string) (string, error) {
	bad := func(want string) (string, error) {
		return "", s.fault(CodeConfigSourcePath, "configSource", quote(source), want)
	}
	switch {
	case source == "" || strings.TrimSpace(source) != source:
		return bad("a file name without blanks around it")
	case strings.Contains(source, "/"):
		return bad(`backslashes between folder and file, as in "config\machineKey.config"`)
	case strings.HasPrefix(source, `\`) || strings.Contains(source, ":"):
		return bad("a path relative to the folder of the web.config")
	case strings.ContainsAny(source, `*?"<>|`) || strings.ContainsFunc(source, func(c rune) bool { return c < ' ' }):
		return bad("a file name that Windows allows")
	}
	var parts []string
	for part := range strings.SplitSeq(source, `\`) {
		switch part {
		case "..":
			return bad("a file inside the folder of the web.config")
		case "", ".":
		default:
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return bad("a file name")
	}
	return strings.Join(parts, "/"), nil
}
