package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// print writes the report for people: the keys, and for each credential its cookie, layers,
// contents and refusal.
func (r *inspectReport) print(w io.Writer) error {
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
	_, err := w.Write(b.Bytes())
	return err
}

func (c *credentialReport) print(b *bytes.Buffer, r *inspectReport) {
	fmt.Fprintf(b, "\n%s: %s\n", c.title(), c.Kind.Long())
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
	switch {
	case c.Token != nil:
		fmt.Fprint(b, "\nSession\n")
		writeTable(b, "  ", c.Token.rows(r))
		printIdentities(b, c.Token.Identities)
	case c.Forms != nil:
		c.Forms.print(b, r.At)
	case c.Katana != nil:
		c.Katana.print(b, r.At)
	case c.Core != nil:
		c.Core.print(b, r.At)
	case c.Protected != nil:
		c.Protected.print(b, r.At)
	case c.State != nil:
		c.State.print(b)
	case c.Anonymous != nil:
		c.Anonymous.print(b, r.At)
	case c.Roles != nil:
		c.Roles.print(b)
	}
	if c.Refused != nil {
		c.Refused.print(b)
	} else {
		fmt.Fprintf(b, "\nACCEPTED: %s\n", c.summary(r.At))
	}
}

// title says where the credential was.
func (c *credentialReport) title() string {
	switch {
	case c.Cookie != nil:
		return "Cookie " + printable(c.Cookie.Name)
	case c.Kind == kindBearer, c.Kind == kindCoreBearer:
		return "Token"
	}
	return "Value"
}

// summary is one line for an accepted credential.
func (c *credentialReport) summary(now time.Time) string {
	switch {
	case c.Forms != nil:
		return fmt.Sprintf("%s, expires %s", userName(c.Forms.Name),
			relative(c.Forms.Expiration, now))
	case c.Anonymous != nil:
		return fmt.Sprintf("visitor %s, expires %s", abridged(c.Anonymous.ID),
			relative(c.Anonymous.Expires, now))
	case c.State != nil:
		return "the state is authentic"
	case c.Roles != nil:
		return "the envelope is authentic"
	case c.Katana != nil:
		return c.Katana.summary([]identityReport{c.Katana.Identity}, now)
	case c.Core != nil:
		return c.Core.summary(c.Core.Identities, now)
	case c.Protected != nil:
		return c.Protected.summary(now)
	}
	ids := c.Token.Identities // an accepted token has identities
	return fmt.Sprintf("%s, expires %s", userName(ids[0].Name),
		relative(c.Token.ValidTo, now)) + unauthenticated(ids)
}

func userName(name string) string { return abridgedOr(name, "a user without a name") }

// unauthenticated is a remark on identities of which none is authenticated.
func unauthenticated(ids []identityReport) string {
	if slices.ContainsFunc(ids, func(id identityReport) bool { return id.Authenticated }) {
		return ""
	}
	return "; but no identity is authenticated, so a Go service takes it for signed out"
}

func (c *cookieReport) print(b *bytes.Buffer) {
	rows := [][]string{}
	for i, chunk := range c.Chunks {
		note := ""
		if c.Announced > 0 && i == 0 && chunk.Joined {
			note = fmt.Sprintf("announces %s", plural(c.Announced, "chunk"))
		}
		if chunk.Copies > 1 {
			note = strings.TrimPrefix(fmt.Sprintf("%s, %d times", note, chunk.Copies), ", ")
		}
		if !chunk.Joined {
			note = strings.TrimPrefix(note+", not read", ", ")
		}
		rows = append(rows, []string{printable(chunk.Name),
			fmt.Sprintf("%6d characters", chunk.Size), note})
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
		mark, what, size := "ok", l.text.Text("what"), ""
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

func (t *tokenReport) rows(r *inspectReport) [][]string {
	rows := [][]string{
		{"valid from", when(t.ValidFrom, r.At)},
		{"valid to", when(t.ValidTo, r.At)},
		{"clock skew", short(time.Duration(r.Skew)*time.Second) + " tolerated at both ends"},
	}
	endpoint := "every cookie path"
	if t.EndpointID != "" {
		endpoint = "cookie path " + abridged(t.EndpointID)
	}
	rows = append(rows, []string{"good for", endpoint},
		[]string{"cookie lasts", cookieLasts(t.Persistent)})
	if t.ReferenceMode {
		rows = append(rows, []string{"kept", "on the server (reference mode)"})
	}
	if t.Context != "" {
		rows = append(rows, []string{"context", abridged(t.Context)})
	}
	return rows
}

func printIdentities(b *bytes.Buffer, list []identityReport) {
	for i := range list {
		title := "Identity"
		if n := len(list); n > 1 {
			title = fmt.Sprintf("Identity %d of %d", i+1, n)
		}
		list[i].print(b, title)
	}
}

func (id *identityReport) print(b *bytes.Buffer, title string) {
	fmt.Fprintf(b, "\n%s: %s\n", title, abridgedOr(id.Name, "without a name"))
	how := "not authenticated: no authentication type"
	if id.Authenticated {
		how = "authenticated by " + abridged(id.AuthenticationType)
	}
	fmt.Fprintf(b, "  %s\n", how)
	if id.NameClaimType != sessiontoken.ClaimTypeName {
		fmt.Fprintf(b, "  the name is the claim %s\n", abridged(claimName(id.NameClaimType)))
	}
	if id.RoleClaimType != sessiontoken.ClaimTypeRole {
		fmt.Fprintf(b, "  roles are the claims %s\n", abridged(claimName(id.RoleClaimType)))
	}
	if id.Label != "" {
		fmt.Fprintf(b, "  label %s\n", abridged(id.Label))
	}
	if id.Bootstrap != "" {
		fmt.Fprintf(b, "  carries the token of the sign-in (bootstrap context): %s, not shown\n",
			id.Bootstrap)
	}
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
	first := id.Claims[0]
	oneIssuer := !slices.ContainsFunc(id.Claims, func(c claimReport) bool {
		return c.Issuer != first.Issuer || c.OriginalIssuer != c.Issuer
	})
	allStrings := !slices.ContainsFunc(id.Claims, func(c claimReport) bool {
		return c.ValueType != dotnet.ValueTypeString
	})
	head := []string{"CLAIM"} // the value comes last: it is the longest
	if oneIssuer {
		fmt.Fprintf(b, "  %s, issued by %s\n", plural(len(id.Claims), "claim"),
			abridged(first.Issuer))
	} else {
		fmt.Fprintf(b, "  %s\n", plural(len(id.Claims), "claim"))
		head = append(head, "ISSUER")
	}
	if !allStrings {
		head = append(head, "VALUE TYPE")
	}
	rows := [][]string{append(head, "VALUE")}
	for _, c := range id.Claims {
		row := []string{abridged(claimName(c.Type))}
		if !oneIssuer {
			row = append(row, issuerText(c))
		}
		if !allStrings {
			row = append(row, abridged(strings.TrimPrefix(c.ValueType,
				"http://www.w3.org/2001/XMLSchema#")))
		}
		value := abridged(c.Value)
		if c.Hidden {
			value = hidden
		} else if c.Value == "" {
			value = strconv.Quote("")
		}
		rows = append(rows, append(row, value))
		for _, p := range c.Properties {
			rows = append(rows, []string{"  property " + abridged(p.Name) + " = " + p.shown()})
		}
	}
	writeTable(b, "    ", rows)
}

func issuerText(c claimReport) string {
	if c.OriginalIssuer != c.Issuer {
		return abridged(c.Issuer) + " (originally " + abridged(c.OriginalIssuer) + ")"
	}
	return abridged(c.Issuer)
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
