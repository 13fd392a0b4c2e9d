package main

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// text is the report for people: the keys, and for each credential its cookie, layers, contents and
// refusal.
func (r *inspectReport) text() []byte {
	var b bytes.Buffer
	for _, f := range r.Configs {
		fmt.Fprintf(&b, "Machine key of %s\n", f.File)
		writeTable(&b, "  ", f.rows())
	}
	if r.Ring != nil {
		r.Ring.print(&b)
	}
	for i := range r.Credentials {
		if n := len(r.Credentials); n > 1 {
			fmt.Fprintf(&b, "\n---- %d of %d %s\n", i+1, n, strings.Repeat("-", 60))
		}
		r.Credentials[i].print(&b, r)
	}
	return b.Bytes()
}

func (c *credentialReport) print(b *bytes.Buffer, r *inspectReport) {
	fmt.Fprintf(b, "\n%s: %s\n", c.Title(), c.Kind.Long())
	if c.AuthType != "" {
		fmt.Fprintf(b, "  AuthenticationType %s\n", abridged(c.AuthType))
	}
	if c.Scheme != "" {
		fmt.Fprintf(b, "  scheme %s\n", abridged(c.Scheme))
	}
	for _, p := range c.Purposes {
		fmt.Fprintf(b, "  purpose %s\n", abridged(p))
	}
	if c.Cookie != nil {
		c.Cookie.print(b)
	}
	if len(c.Layers) > 0 {
		printLayers(b, c.Layers)
	}
	if c.Shown.rows != nil {
		c.Shown.print(b)
	}
	if c.Refused != nil {
		c.Refused.print(b)
	} else {
		fmt.Fprintf(b, "\nACCEPTED: %s\n", c.Shown.Summary())
	}
}

// Title says where the credential was.
func (c *credentialReport) Title() string {
	switch {
	case c.Cookie != nil:
		return "Cookie " + printable(c.Cookie.Name)
	case c.Kind == site.Bearer, c.Kind == site.CoreBearer:
		return "Token"
	}
	return "Value"
}

func (s *shown) print(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n%s\n", s.title)
	writeTable(b, "  ", s.rows)
	for i := range s.Identities {
		title := "Identity"
		if n := len(s.Identities); n > 1 {
			title = fmt.Sprintf("Identity %d of %d", i+1, n)
		}
		s.Identities[i].print(b, title)
	}
	if s.properties == nil {
		return
	}
	if len(s.properties) == 0 {
		fmt.Fprint(b, "\nNo properties\n")
		return
	}
	title := "1 property"
	if n := len(s.properties); n > 1 {
		title = fmt.Sprintf("%d properties", n)
	}
	fmt.Fprintf(b, "\n%s\n", title)
	rows := [][]string{{"NAME", "MEANING", "VALUE"}}
	for _, p := range s.properties {
		meaning := cmp.Or(layerFile["properties"].Text(p.Name), "the application's own")
		rows = append(rows, []string{abridged(p.Name), meaning, shownValue(p.Value, p.Hidden)})
	}
	writeTable(b, "  ", rows)
}

func (c *cookieReport) print(b *bytes.Buffer) {
	rows := [][]string{}
	for i, chunk := range c.Chunks {
		var notes []string
		if c.Announced > 0 && i == 0 && chunk.Joined {
			notes = append(notes, "announces "+plural(c.Announced, "chunk"))
		}
		if chunk.Copies > 1 {
			notes = append(notes, fmt.Sprintf("%d times", chunk.Copies))
		}
		if !chunk.Joined {
			notes = append(notes, "not read")
		}
		rows = append(rows, []string{printable(chunk.Name),
			fmt.Sprintf("%6d characters", chunk.Size), strings.Join(notes, ", ")})
	}
	if c.Joined > 1 {
		rows = append(rows, []string{"joined", fmt.Sprintf("%6d characters", c.Length), ""})
	}
	if len(c.Chunks) == 0 {
		rows = append(rows, []string{"not in the header"})
	}
	writeTable(b, "  ", rows)
	if len(c.Others) > 0 {
		fmt.Fprintf(b, "  the header has %s\n",
			folded(printable(strings.Join(c.Others, ", ")), "  "))
	}
	if len(c.Accepted) > 1 {
		fmt.Fprintf(b, "  this site accepts %s\n",
			folded(printable(strings.Join(c.Accepted, ", ")), "  "))
	}
	if len(c.Chunks) > 0 {
		for _, p := range c.Problems {
			fmt.Fprintf(b, "  note: %s\n", folded(printable(p), "        "))
		}
	}
}

// printLayers writes one line per layer, with its facts indented below.
func printLayers(b *bytes.Buffer, layers []layerReport) {
	fmt.Fprint(b, "\nLayers, from the outside\n")
	var rows [][]string
	for _, l := range layers {
		mark, what, size := "ok", l.What(), ""
		if !l.OK {
			mark, what = "NO", "refused, see below"
		}
		if l.Size > 0 {
			size = fmt.Sprintf("%7d bytes", l.Size)
		}
		if l.Inner > 0 {
			what += fmt.Sprintf(", inflates to %d bytes", l.Inner)
		}
		rows = append(rows, []string{mark, l.Layer, size, what})
		if l.KeyID != "" {
			opened := fmt.Sprintf("  opened by key %s of %s: %s", l.KeyID, l.Config, l.Algorithms)
			rows = append(rows, []string{"", "", "", opened})
		}
		for _, f := range l.Facts {
			if f.Name != "key generation" || f.Value != "none" { // hardly any site has one
				rows = append(rows, []string{"", "", "", "  " + f.Name + ": " + abridged(f.Value)})
			}
		}
	}
	writeTable(b, "  ", rows)
}

func (id *identityReport) print(b *bytes.Buffer, title string) {
	fmt.Fprintf(b, "\n%s: %s\n", title, abridgedOr(id.Name, "without a name"))
	line := func(holds bool, format, value string) {
		if holds {
			fmt.Fprintf(b, "  "+format+"\n", value)
		}
	}
	line(!id.Authenticated, "not authenticated: no authentication type%s", "")
	line(id.Authenticated, "authenticated by %s", abridged(id.AuthenticationType))
	line(id.NameClaimType != sessiontoken.ClaimTypeName, "the name is the claim %s",
		abridged(claimName(id.NameClaimType)))
	line(id.RoleClaimType != sessiontoken.ClaimTypeRole, "roles are the claims %s",
		abridged(claimName(id.RoleClaimType)))
	line(id.Label != "", "label %s", abridged(id.Label))
	line(id.Bootstrap != "",
		"carries the token of the sign-in (bootstrap context): %s, not shown", id.Bootstrap)
	id.printClaims(b)
	if id.Actor != nil {
		id.Actor.print(b, "Actor of this identity")
	}
}

// printClaims writes the claims as a table. Issuers and value types get a column only where they
// differ.
func (id *identityReport) printClaims(b *bytes.Buffer) {
	if len(id.Claims) == 0 {
		fmt.Fprint(b, "  no claims\n")
		return
	}
	issuer, oneIssuer, allStrings := id.Claims[0].Issuer, true, true
	for _, c := range id.Claims {
		oneIssuer = oneIssuer && c.Issuer == issuer && c.OriginalIssuer == issuer
		allStrings = allStrings && c.ValueType == dotnet.ValueTypeString
	}
	title, head := plural(len(id.Claims), "claim"), []string{"CLAIM"} // the value is the longest
	if oneIssuer {
		title += ", issued by " + abridged(issuer)
	} else {
		head = append(head, "ISSUER")
	}
	if !allStrings {
		head = append(head, "VALUE TYPE")
	}
	fmt.Fprintf(b, "  %s\n", title)
	rows := [][]string{append(head, "VALUE")}
	for _, c := range id.Claims {
		row := []string{abridged(claimName(c.Type))}
		if !oneIssuer {
			from := abridged(c.Issuer)
			if c.OriginalIssuer != c.Issuer {
				from += " (originally " + abridged(c.OriginalIssuer) + ")"
			}
			row = append(row, from)
		}
		if !allStrings {
			row = append(row, abridged(strings.TrimPrefix(c.ValueType,
				"http://www.w3.org/2001/XMLSchema#")))
		}
		rows = append(rows, append(row, shownValue(c.Value, c.Hidden)))
		for _, p := range c.Properties {
			rows = append(rows, []string{"  property " + abridged(p.Name) + " = " + shownValue(p.Value, p.Hidden)})
		}
	}
	writeTable(b, "    ", rows)
}

func (r *refusal) print(b *bytes.Buffer) {
	fmt.Fprintf(b, "\nREFUSED at layer %s\n  %s\n", r.Layer, folded(r.Meaning, "  "))
	if len(r.Reasons) > 0 {
		fmt.Fprint(b, "  Look at these first:\n")
		for _, reason := range r.Reasons {
			fmt.Fprintf(b, "  - %s\n", folded(printable(reason), "    "))
		}
	}
	fmt.Fprintf(b, "  Logged as: %s\n", printable(r.Error))
}
