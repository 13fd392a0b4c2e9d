package main

import (
	"bytes"
	"io"
	"os"
	"strings"
)

// painter colours what people read, line by line, by how a line begins. The
// subcommands write plain text and know nothing of it. It is used for a
// terminal only, and not if NO_COLOR is set (no-color.org) or TERM is dumb.
//
// Texts from cookies cannot smuggle escapes of their own in: see printable.
type painter struct {
	w    io.Writer
	line []byte // the beginning of a line whose end has not been written
}

// Escapes of ECMA-48, with colours that stand out on dark and on light.
const (
	escBold   = "\x1b[1m"
	escGreen  = "\x1b[32m"
	escRed    = "\x1b[1;31m"
	escYellow = "\x1b[33m"
	escReset  = "\x1b[0m"
)

// paints are the beginnings of lines that are coloured, without indentation.
// The first that fits counts.
var paints = []struct {
	begins, escape string
	whole          bool // the line, and not only its beginning
}{
	{"REFUSED", escRed, true},
	{"DIFFERENT", escYellow, true},
	{"NO ", escRed, false},
	{"ok ", escGreen, false},
	{"OK ", escGreen, false},
	{"ACCEPTED", escGreen, false},
	{"All as expected", escGreen, true},
	{"The demo failed", escRed, true},
	{"warning", escYellow, false},
	{"note", escYellow, false},
}

// wantsColor reports whether w is a terminal whose user wants colours.
func wantsColor(w io.Writer, getenv func(string) string) bool {
	f, ok := w.(*os.File)
	if !ok || getenv("NO_COLOR") != "" || getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Write paints every line that is complete.
func (p *painter) Write(data []byte) (int, error) {
	p.line = append(p.line, data...)
	var out bytes.Buffer
	for {
		end := bytes.IndexByte(p.line, '\n')
		if end < 0 {
			break
		}
		out.WriteString(paint(string(p.line[:end])))
		out.WriteByte('\n')
		p.line = p.line[end+1:]
	}
	if _, err := p.w.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(data), nil
}

// flush writes a last line without an end.
func (p *painter) flush() {
	if len(p.line) > 0 {
		io.WriteString(p.w, paint(string(p.line)))
		p.line = nil
	}
}

func paint(line string) string {
	text := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(text)]
	for _, p := range paints {
		if !strings.HasPrefix(text, p.begins) {
			continue
		}
		if p.whole {
			return indent + p.escape + text + escReset
		}
		return indent + p.escape + p.begins + escReset + text[len(p.begins):]
	}
	// A heading: it begins at the margin and is no sentence, header or code.
	if indent == "" && text != "" && !strings.ContainsAny(text[len(text)-1:], ".;>{}[],\"") && !strings.Contains(text, "=") &&
		text[0] >= 'A' && text[0] <= 'Z' {
		return escBold + text + escReset
	}
	return line
}
