package main

import (
	"io"
	"strings"

	"github.com/fatih/color"
)

// painter colours output for people, by the beginning of each line. The subcommands write plain
// text.
//
// Text from cookies cannot bring escapes of its own: see printable.
type painter struct {
	w    io.Writer
	line string // an unfinished one
}

// The colours stand out on dark and on light.
var (
	bold   = color.New(color.Bold)
	green  = color.New(color.FgGreen)
	red    = color.New(color.FgRed, color.Bold)
	yellow = color.New(color.FgYellow)
)

// paints are the beginnings of coloured lines, without indentation. The first match counts.
var paints = []struct {
	begins string
	color  *color.Color
	whole  bool // the line, and not only its beginning
}{
	{"REFUSED", red, false},
	{"DIFFERENT", yellow, false},
	{"NO ", red, false},
	{"ok ", green, false},
	{"OK ", green, false},
	{"ACCEPTED", green, false},
	{"All as expected", green, true},
	{"The demo failed", red, true},
	{"warning", yellow, false},
	{"note", yellow, false},
}

// Write paints every line that is complete.
func (p *painter) Write(data []byte) (int, error) {
	var out strings.Builder
	lines := strings.Split(p.line+string(data), "\n")
	for _, line := range lines[:len(lines)-1] {
		out.WriteString(paint(line) + "\n")
	}
	p.line = lines[len(lines)-1]
	if _, err := io.WriteString(p.w, out.String()); err != nil {
		return 0, err
	}
	return len(data), nil
}

// flush writes a last line without an end.
func (p *painter) flush() {
	io.WriteString(p.w, paint(p.line))
	p.line = ""
}

func paint(line string) string {
	text := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(text)]
	for _, p := range paints {
		if !strings.HasPrefix(text, p.begins) {
			continue
		}
		if p.whole {
			return indent + p.color.Sprint(text)
		}
		return indent + p.color.Sprint(p.begins) + text[len(p.begins):]
	}
	// A heading begins at the margin and is no sentence, header or code.
	if indent == "" && text != "" && text[0] >= 'A' && text[0] <= 'Z' &&
		!strings.Contains(text, "=") &&
		!strings.ContainsAny(text[len(text)-1:], ".;>{}[],\"") {
		return bold.Sprint(text)
	}
	return line
}
