package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
)

// maxColumn is the width beyond which a cell no longer widens its column.
const maxColumn = 44

// width is that of a terminal. Longer lines of prose are broken, and no value.
const width = 80

// folded breaks text at blanks, so that lines with their indent have at most width characters. The
// indent also counts for the first line, where the caller has written it.
func folded(text, indent string) string {
	rest := strings.TrimLeft(text, " ")
	lead := text[:len(text)-len(rest)]
	var b strings.Builder
	b.WriteString(lead)
	room, column, gap := max(width-len(indent), width/3), len(lead), ""
	for i, word := range strings.Split(rest, " ") {
		n := utf8.RuneCountInString(word)
		if i > 0 {
			gap += " "
			if word == "" {
				continue
			}
			if column+len(gap)+n > room {
				gap, column = "\n"+indent+lead, len(lead)
			} else {
				column += len(gap)
			}
		}
		b.WriteString(gap + word)
		column, gap = column+n, ""
	}
	return b.String()
}

// writeTable prints rows with aligned columns, two spaces apart. The last cell
// of a row is not padded, and folded.
func writeTable(w io.Writer, indent string, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if n := utf8.RuneCountInString(cell); n <= maxColumn && i < len(row)-1 {
				widths[i] = max(widths[i], n)
			}
		}
	}
	var b bytes.Buffer
	for _, row := range rows {
		b.WriteString(indent)
		column := len(indent)
		for i, cell := range row {
			if i == len(row)-1 {
				b.WriteString(folded(cell, strings.Repeat(" ", column)))
				break
			}
			n := max(widths[i], utf8.RuneCountInString(cell)) + 2
			column += n
			b.WriteString(cell + strings.Repeat(" ", n-utf8.RuneCountInString(cell)))
		}
		b.Truncate(len(bytes.TrimRight(b.Bytes(), " ")))
		b.WriteByte('\n')
	}
	w.Write(b.Bytes())
}

// writeJSON prints v for machines.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printable returns s fit for a terminal. Text from a cookie is quoted if it holds control
// characters, which the terminal would obey.
func printable(s string) string {
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

// maxShown is the number of characters that people see of a value. -json has all of them.
const maxShown = 200

func abridged(s string) string {
	if n := utf8.RuneCountInString(s); n > maxShown {
		return fmt.Sprintf("%s... (%d characters)", printable(string([]rune(s)[:maxShown])), n)
	}
	return printable(s)
}

// abridgedOr is abridged with a text for nothing.
func abridgedOr(s, none string) string {
	if s == "" {
		return none
	}
	return abridged(s)
}

// onLine adds the line of a web.config to text, unless it is 0.
func onLine(text string, line int) string {
	if line == 0 {
		return text
	}
	return fmt.Sprintf("%s on line %d", text, line)
}

// atLine begins text with a line of a web.config, unless it is 0.
func atLine(line int, text string) string {
	if line == 0 {
		return text
	}
	return fmt.Sprintf("line %d: %s", line, text)
}

// plural returns "1 cookie" or "3 cookies".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// when returns t in UTC and how far it is from now.
func when(t, now time.Time) string {
	return t.UTC().Format("2006-01-02 15:04:05 UTC") + "  (" + relative(t, now) + ")"
}

// relative returns a phrase such as "in 3h12m" or "2 days ago".
func relative(t, now time.Time) string {
	switch d := t.Sub(now); {
	case d.Abs() < time.Second:
		return "now"
	case d < 0:
		return doctor.Span(d) + " ago"
	default:
		return "in " + doctor.Span(d)
	}
}

// judgedAt reads the time of -at, now if there is none. Without a zone it is UTC.
func judgedAt(at string) (time.Time, error) {
	if at == "" {
		return time.Now().UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05",
		"2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, at); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{},
		usageError(fmt.Sprintf("%q is not a time: write 2026-01-31, 2026-01-31T18:00:00Z or \"2026-01-31 18:00\" (UTC)", at))
}
