// Package texts reads the files with the prose of the command, which is kept apart from its logic.
//
// A file is a list of sections. A line "[name]" begins a section, a line "field: text" a field. A
// line that begins with a blank continues the field above it. A field may occur several times. "#"
// begins a comment. A section "name/variant" inherits the fields of the section "name" that it does
// not define.
//
// {name} in a text is replaced by a word of the caller, {Name} by the same word with a capital
// letter.
package texts

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// File holds the sections of a file by their names.
type File map[string]Section

// Section holds the texts of a section by the names of the fields.
type Section map[string][]string

// Parse reads a file of the binary. It panics on any other line, on a field before the first section
// and on a repeated section.
func Parse(file string) File {
	f := File{}
	var section Section
	var last string
	for line := range strings.Lines(file) {
		line = strings.TrimRight(line, "\r\n")
		text := strings.TrimSpace(line)
		field, value, isField := strings.Cut(text+" ", ": ")
		switch {
		case text == "" || strings.HasPrefix(line, "#"):
		case line[0] == '[' && strings.HasSuffix(text, "]") && f[text[1:len(text)-1]] == nil:
			section, last = Section{}, ""
			f[text[1:len(text)-1]] = section
		case line[0] == ' ' && last != "":
			list := section[last]
			list[len(list)-1] = strings.TrimSpace(list[len(list)-1] + " " + text)
		case isField && section != nil && line[0] != ' ' && !strings.Contains(field, " "):
			last = field
			section[field] = append(section[field], strings.TrimSpace(value))
		default:
			panic(fmt.Sprintf("texts: %q is no line of a file of texts, or a section twice", line))
		}
	}
	for name, section := range f {
		base, _, _ := strings.Cut(name, "/")
		for field, list := range f[base] {
			if section[field] == nil {
				section[field] = list
			}
		}
	}
	return f
}

// Text returns the text of a field, empty if the section has no such field.
// The words are pairs of a name and a value.
func (s Section) Text(field string, words ...any) string {
	if len(s[field]) == 0 {
		return ""
	}
	return Fill(s[field][0], words...)
}

// Fill replaces the names in braces. The words are pairs of a name and a value.
func Fill(text string, words ...any) string {
	var pairs []string
	for i := 0; i+1 < len(words); i += 2 {
		name, value := fmt.Sprint(words[i]), fmt.Sprint(words[i+1])
		pairs = append(pairs, "{"+name+"}", value, "{"+Capital(name)+"}", Capital(value))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Capital returns s with a capital letter in front.
func Capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}
