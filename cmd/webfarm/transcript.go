package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// print tells the story to people.
func (s *story) print(w io.Writer, goesOn bool) error {
	var b bytes.Buffer
	fmt.Fprint(&b,
		"Two Go nodes share a machine key and a key ring, as the nodes of an\nASP.NET farm do, and nothing else.\n\n")
	rows := [][]string{{"machine key", fmt.Sprintf("id %s, %s, made for this run and not shown",
		s.KeyID, s.algorithms)},
		{"key ring",
			fmt.Sprintf("id %s, AES_256_CBC and HMACSHA256, made for this run and not shown",
				s.Ring)}}
	for i, url := range s.Nodes {
		rows = append(rows, []string{"node " + nodeNames()[i], url})
	}
	rows = append(rows,
		[]string{"balancer", s.URL + "  each request goes to the next node"},
		[]string{"cookies", "Path=/; HttpOnly; SameSite=Lax"},
		[]string{"", "Secure is off: this is plain http, where some browsers drop such cookies"},
		[]string{"", "even on loopback. On a site with https it belongs on."})
	writeTable(&b, "  ", rows)
	for i, sc := range s.Scenes {
		fmt.Fprintf(&b, "\n%d. %s\n", i+1, sc.Title)
		sc.print(&b)
	}
	switch {
	case !s.OK:
		fmt.Fprint(&b, "\nThe demo failed.\n")
	case goesOn:
		fmt.Fprintf(&b, "\nAll as expected. Now yours: open %s and end with Ctrl-C.\n", s.URL)
	default:
		fmt.Fprint(&b, "\nAll as expected. \"webfarm demo -serve\" is the same for your browser.\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (sc *scene) print(b *bytes.Buffer) {
	var rows [][]string
	for _, e := range sc.Steps {
		sent := "no cookie"
		if e.Sent > 0 {
			sent = plural(e.Sent, "cookie")
		}
		answer := strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)))
		rows = append(rows, []string{e.Request, sent, "-> node " + e.Node, answer, e.Says})
		for _, c := range e.Cookies {
			if c.Deleted {
				rows = append(rows, []string{"    deletes " + c.Name})
			} else {
				rows = append(rows, []string{"    sets " + c.Name, plural(c.Size, "character")})
			}
		}
	}
	writeTable(b, "   ", rows)
	if sc.Note != "" {
		fmt.Fprintf(b, "   %s\n", sc.Note)
	}
	if sc.Wrong != "" {
		fmt.Fprintf(b, "   NOT AS EXPECTED: %s\n", sc.Wrong)
	}
}
