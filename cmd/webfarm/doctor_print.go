package main

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
)

// text is the report for people: the finding, the fix, and then the evidence.
func (r *doctorReport) text() []byte {
	var b bytes.Buffer
	printFinding(&b, r.Report)
	printOthers(&b, r.Report)
	for i := range r.Credentials {
		printExamined(&b, r.Report, &r.Credentials[i])
	}
	var rows [][]string
	for _, n := range r.Nodes {
		rows = append(rows, nodeRows(n)...)
	}
	section(&b, "Nodes", rows)
	for _, ring := range r.KeyRings {
		b.WriteByte('\n')
		ring.print(&b)
	}
	if r.Comparison != nil {
		printComparison(&b, r.Comparison)
	}
	return b.Bytes()
}

// printFinding prints the finding at the top.
func printFinding(b *bytes.Buffer, r *doctor.Report) {
	f := r.Finding
	word := "REFUSED" // the painter knows these words
	if r.OK {
		word = "OK"
	} else if f.Code == "configs_differ" {
		word = "DIFFERENT"
	}
	fmt.Fprintf(b, "%s  %s\n", word, folded(f.Sentence, strings.Repeat(" ", len(word)+2)))
	rows := [][]string{{"code", f.Code}}
	if f.DotNet != "" {
		name := ".NET says"
		for _, line := range strings.Split(f.DotNet, "\n") { // of a credential each
			rows = append(rows, []string{name, line})
			name = ""
		}
	}
	writeTable(b, "  ", rows)
	if r.OK {
		return
	}
	b.WriteByte('\n')
	printFix(b, "", f.Fix)
}

// printFix prints what to change, and where.
func printFix(b *bytes.Buffer, indent string, fix doctor.Fix) {
	fmt.Fprintf(b, "%sFix (%s)\n%s  %s\n", indent, cmp.Or(fix.File, fix.Where), indent,
		folded(fix.Text, indent+"  "))
	if fix.Snippet != "" {
		fmt.Fprintf(b, "\n%s    %s\n", indent,
			strings.ReplaceAll(fix.Snippet, "\n", "\n    "+indent))
	}
}

// printOthers prints all other findings in short.
func printOthers(b *bytes.Buffer, r *doctor.Report) {
	printed := map[string]bool{r.Finding.Sentence: true}
	title := "\nAlso\n"
	for _, c := range r.Credentials {
		for _, v := range c.Verdicts {
			for _, f := range v.Findings {
				if printed[f.Sentence] {
					continue
				}
				printed[f.Sentence] = true
				fmt.Fprintf(b, "%s  %s\n", title, folded(f.Code+": "+f.Sentence, "  "))
				printFix(b, "    ", f.Fix)
				title = ""
			}
		}
	}
}

// printExamined prints the evidence for one credential.
func printExamined(b *bytes.Buffer, r *doctor.Report, c *doctor.Credential) {
	title := "Credential"
	if c.Name != "" {
		title = "Cookie " + printable(c.Name)
	}
	fmt.Fprintf(b, "\n%s, by its name %s\n", title, c.Kind)
	var rows [][]string
	for _, v := range c.Verdicts {
		verdict := "reads it"
		if !v.OK {
			var codes []string
			for _, f := range v.Findings {
				codes = append(codes, f.Code)
			}
			verdict = "refuses it at the layer \"" + v.Layer + "\": " + strings.Join(codes, ", ")
		}
		rows = append(rows, []string{v.File, verdict})
	}
	if c.AuthType != "" {
		rows = append(rows, []string{"purposes", "AuthenticationType " + abridged(c.AuthType)})
	}
	rows = append(rows, []string{"text", plural(c.Length, "character") + chunkText(c.Chunks)})
	for _, p := range c.Problems {
		rows = append(rows, []string{"", p})
	}
	name := "layers"
	for _, l := range c.Layers {
		text := "ok      " + l.Layer
		if !l.OK {
			text = "refused " + l.Layer
		}
		if l.Size > 0 {
			text += fmt.Sprintf(", %d bytes", l.Size)
		}
		rows = append(rows, []string{name, text})
		name = ""
	}
	if c.OpenedBy != nil {
		rows = append(rows, []string{"opens with", openingText(c.OpenedBy)})
	}
	if c.User != "" {
		rows = append(rows, []string{"user", abridged(c.User)})
	}
	if c.From != nil {
		rows = append(rows, []string{"from", when(*c.From, r.At)})
	}
	if c.To != nil {
		rows = append(rows, []string{"until", when(*c.To, r.At)})
	}
	rows = append(rows, []string{"tried", triedText(c.Tried)})
	writeTable(b, "  ", rows)
}

func chunkText(chunks []doctor.Chunk) string {
	if len(chunks) < 2 {
		return ""
	}
	var list []string
	for _, c := range chunks[:min(len(chunks), 8)] {
		list = append(list, fmt.Sprintf("%s %d", printable(c.Name), c.Size))
	}
	if more := len(chunks) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("%d more", more))
	}
	return " in " + strings.Join(list, ", ")
}

func openingText(o *doctor.OpenedBy) string {
	parts := []string{"the keys of " + o.File}
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, strings.TrimSpace(name+" "+value))
		}
	}
	if o.Kind != "" {
		add("as", o.Kind.String())
	}
	if o.Key != "" {
		parts = []string{"key " + o.Key + " of " + o.File, o.Kind.String(),
			"application " + abridgedOr(o.Application, "none")}
		add("scheme", o.AuthType)
		return strings.Join(parts, ", ")
	}
	add("AuthenticationType", o.AuthType)
	add("validation", o.Validation)
	add("decryption", o.Decryption)
	add("mode", o.Mode)
	add("", o.API)
	add("protection", o.Protection)
	if o.Unsigned {
		add("", "without a signature")
	}
	if o.OldLayout {
		add("", "in the layout of before 2011")
	}
	return strings.Join(parts, ", ")
}

func triedText(t doctor.Tried) string {
	if t.Signatures+t.Openings == 0 {
		return "nothing but the node's own settings"
	}
	var parts []string
	if t.Signatures > 0 {
		parts = append(parts, plural(t.Signatures, "signature")+" ("+plural(t.Keys, "key")+")")
	}
	if t.Openings > 0 {
		parts = append(parts, plural(t.Openings, "opening"))
	}
	text := strings.Join(parts, " and ")
	if !t.Complete {
		text += "; more exist than are tried"
	}
	return text
}

// nodeRows describes a node.
func nodeRows(n doctor.NodeReport) [][]string {
	var rows [][]string
	if n.Scheme != "" {
		rows = append(rows, []string{n.File, fmt.Sprintf("application %s, scheme %s, cookie %s",
			abridgedOr(n.Application, "none"), abridged(n.Scheme), abridged(n.Cookie))})
	}
	if n.Mode == "" {
		return rows
	}
	key := "no usable key"
	if n.KeyID != "" {
		key = "key " + n.KeyID
	}
	rows = append(rows,
		[]string{n.File, fmt.Sprintf("%s, validation %s, decryption %s, mode %s (%s)",
			key, n.Validation, n.Decryption, n.Mode, onLine(n.ModeFrom, n.ModeLine))})
	for _, w := range n.Warnings {
		rows = append(rows, []string{"", "warning: " + atLine(w.Line, w.Text)})
	}
	return rows
}

// printComparison prints what two nodes do not share.
func printComparison(b *bytes.Buffer, c *doctor.Comparison) {
	fmt.Fprintf(b, "\nSharing\n")
	var rows [][]string
	for _, s := range c.Sharing {
		verdict := "yes"
		if !s.OK {
			verdict = "no"
		}
		if !s.Used {
			verdict = "not used"
		}
		rows = append(rows, []string{s.Kind.Plural(), verdict, s.Why})
	}
	writeTable(b, "  ", rows)
	if len(c.Differences) == 0 {
		fmt.Fprint(b, "\nNo setting differs that matters for sharing cookies.\n")
		return
	}
	fmt.Fprintf(b, "\nDifferences\n")
	rows = [][]string{{"", c.Files[0], c.Files[1], ""}}
	for _, d := range c.Differences {
		note := d.Note
		if len(d.Blocks) > 0 {
			note = strings.TrimSuffix("cannot be shared; "+d.Note, "; ")
		} else if len(d.Unlike) > 0 {
			note = "users notice: " + d.Note
		}
		rows = append(rows, []string{d.Setting, abridgedOr(d.Values[0], "-"),
			abridgedOr(d.Values[1], "-"), note})
	}
	writeTable(b, "  ", rows)
}
