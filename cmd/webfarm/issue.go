package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

const issueUsage = `
Usage: webfarm issue -config FILE -name USER [flags]

Prints the cookies that sign USER in on every node of the farm, .NET or Go, as
Set-Cookie lines, as a Cookie header and as a curl command. The output is a
credential, as good as a password until it expires. If one cookie of the set
cannot be written, none is.

TYPE of -claim is the URI of a claim type or one of the short names
` + "  %s" + `

Examples
  webfarm issue -config web.config -name bob -role admin -role sales
  webfarm issue -config web.config -name bob -claim email=bob@app.example -lifetime 30m
  webfarm issue -config web.config -name bob -path /shop/ -persistent
  webfarm issue -config web.config -name bob | webfarm inspect -config web.config -`

func issueCommand() command {
	usage := fmt.Sprintf(issueUsage, wrap(claimNames(), "  ", 76))
	return command{"issue", "print session cookies for a user, to try a site with", usage, func(flags *flag.FlagSet) action {
		c := new(issue)
		c.keys.define(flags, "web.config `FILE` with the <machineKey>")
		flags.StringVar(&c.user, "name", "", "`USER` to sign in: the claim \"name\"")
		flags.Var(&c.roles, "role", "`ROLE` of the user; repeat it for more")
		flags.Var(&c.claims, "claim", "`TYPE=VALUE` of another claim; repeat it for more")
		flags.StringVar(&c.authType, "auth-type", "Federation", "authentication `TYPE` of the identity, Federation if left out")
		flags.DurationVar(&c.lifetime, "lifetime", sessiontoken.DefaultLifetime, "`DURATION` from now, 10h if left out")
		flags.StringVar(&c.path, "path", "/", "cookie `PATH` of the site, in the token and in Set-Cookie; / if left out")
		flags.StringVar(&c.domain, "domain", "", "cookie `DOMAIN` in Set-Cookie; none if left out")
		flags.StringVar(&c.cookie, "cookie", "FedAuth", "`NAME` of the cookie, FedAuth if left out")
		flags.BoolVar(&c.persistent, "persistent", false, "a cookie that outlives the browser")
		flags.IntVar(&c.chunkSize, "chunk-size", cookie.DefaultChunkSize, "`CHARACTERS` per chunk, 2000 if left out")
		flags.BoolVar(&c.json, "json", false, "print for machines")
		return c.run
	}}
}

// issue is the subcommand of that name.
type issue struct {
	keys                 keyFlags
	user, authType       string
	roles, claims        texts
	path, domain, cookie string
	lifetime             time.Duration
	chunkSize            int
	persistent, json     bool
}

// issueReport is what issue made, in the form of -json.
type issueReport struct {
	OK        bool         `json:"ok"`
	KeyID     string       `json:"keyId"`
	ValidFrom time.Time    `json:"validFrom"`
	ValidTo   time.Time    `json:"validTo"`
	Cookies   []issuedPart `json:"cookies"`
	SetCookie []string     `json:"setCookie"`
	Header    string       `json:"cookieHeader"` // the value, without "Cookie: "
	Curl      string       `json:"curl"`
	Notes     []string     `json:"notes,omitempty"`
}

type issuedPart struct {
	Name string `json:"name"`
	Size int    `json:"size"`
}

func (c *issue) run(ctx context.Context, args []string, s streams) error {
	principal, notes, err := c.principal(args)
	if err != nil {
		return err
	}
	ring, files, err := c.keys.load()
	if err != nil {
		return err
	}
	codec, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{Endpoint: c.path, Lifetime: c.lifetime})
	if err != nil {
		return setupError{err}
	}
	token, err := codec.NewToken(principal)
	if err != nil {
		return err
	}
	token.Persistent = c.persistent
	text, err := codec.Encode(ctx, token)
	if err != nil {
		return err
	}
	template := &http.Cookie{Name: c.cookie, Value: text, Path: c.path, Domain: c.domain, Secure: true, HttpOnly: true}
	if c.persistent {
		template.Expires = token.ValidTo
	}
	set, err := cookie.WIF.SplitSize(template, c.chunkSize)
	if errors.Is(err, cookie.ErrInvalidCookie) {
		return usageError(fmt.Sprintf("-cookie, -path or -domain: %v", err))
	} else if err != nil {
		return fmt.Errorf("%w; nothing was issued", err)
	}
	report := newIssueReport(set, token, files[0].KeyID, notes)
	report.Curl = fmt.Sprintf("curl -H 'Cookie: %s' 'https://%s%s'", report.Header, c.host(), c.path)
	if c.json {
		return writeJSON(s.out, report)
	}
	return report.print(s, c.user)
}

// principal is the user that the flags describe.
func (c *issue) principal(args []string) (p sessiontoken.Principal, notes []string, err error) {
	switch {
	case len(args) > 0:
		return p, nil, usageError(fmt.Sprintf("unexpected argument %q", args[0]))
	case c.user == "":
		return p, nil, usageError("-name is missing: the user to sign in")
	case c.authType == "":
		return p, nil, usageError("-auth-type is empty: the user would not be authenticated")
	case c.lifetime <= 0:
		return p, nil, usageError("-lifetime must be positive")
	case !strings.HasPrefix(c.path, "/") || strings.ContainsAny(c.path, "'\""):
		return p, nil, usageError(fmt.Sprintf("-path %q: a path such as / or /shop/", c.path))
	case strings.Contains(c.cookie, "'"): // legal, but it would end the quotes of the curl command
		return p, nil, usageError(fmt.Sprintf("-cookie %q: a name without quotes", c.cookie))
	case c.chunkSize < cookie.MinChunkSize || c.chunkSize > cookie.MaxCookieSize:
		return p, nil, usageError(fmt.Sprintf("-chunk-size %d: .NET takes %d and more, browsers up to %d with the name",
			c.chunkSize, cookie.MinChunkSize, cookie.MaxCookieSize))
	case len(c.keys.config) > 1:
		return p, nil, usageError("-config is there more than once: one key issues")
	}
	claims := []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: c.user}}
	for _, role := range c.roles {
		claims = append(claims, sessiontoken.Claim{Type: sessiontoken.ClaimTypeRole, Value: role})
	}
	for _, text := range c.claims {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return p, nil, usageError(fmt.Sprintf("-claim %q: write TYPE=VALUE", text))
		}
		uri, known := claimURI(name)
		if !known {
			notes = append(notes, fmt.Sprintf("the claim type %q is no URI and none of the short names; it was written as it stands", name))
		}
		claims = append(claims, sessiontoken.Claim{Type: uri, Value: value})
	}
	return sessiontoken.Principal{Identities: []sessiontoken.Identity{{AuthenticationType: c.authType, Claims: claims}}}, notes, nil
}

// host is the site for the curl command.
func (c *issue) host() string {
	if host := strings.TrimPrefix(c.domain, "."); host != "" {
		return host
	}
	return "your-site.example"
}

// largeHeader is the size of a Cookie header from which on servers with their
// usual settings refuse a request: http.sys takes 16 KiB for all headers, nginx
// 8 KiB for one.
const largeHeader = 8 << 10

func newIssueReport(set []*http.Cookie, token *sessiontoken.Token, keyID string, notes []string) *issueReport {
	r := &issueReport{OK: true, KeyID: keyID, ValidFrom: token.ValidFrom, ValidTo: token.ValidTo, Notes: notes}
	var pairs []string
	for _, part := range set {
		r.Cookies = append(r.Cookies, issuedPart{part.Name, len(part.Value)})
		r.SetCookie = append(r.SetCookie, part.String())
		pairs = append(pairs, part.Name+"="+part.Value)
	}
	r.Header = strings.Join(pairs, "; ")
	if len(r.Header) > largeHeader {
		r.Notes = append(r.Notes, fmt.Sprintf("the Cookie header has %d bytes; many servers and proxies take no more than 8 or 16 KiB", len(r.Header)))
	}
	return r
}

func (r *issueReport) print(s streams, user string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s, valid to %s, in %s\n", printable(user), when(r.ValidTo, r.ValidFrom), plural(len(r.Cookies), "cookie"))
	for _, line := range r.SetCookie {
		fmt.Fprintf(&b, "Set-Cookie: %s\n", line)
	}
	fmt.Fprintf(&b, "\n# the same as the header of a request\nCookie: %s\n\n# the same for curl\n%s\n", r.Header, r.Curl)
	for _, note := range r.Notes {
		fmt.Fprintf(s.err, "note: %s\n", note)
	}
	_, err := s.out.Write(b.Bytes())
	return err
}

// wrap breaks a comma-separated list into lines.
func wrap(list, indent string, width int) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(list, ", ") {
		if i > 0 {
			b.WriteString(",")
			if column+len(word)+2 > width {
				b.WriteString("\n" + indent)
				column = 0
			} else {
				b.WriteString(" ")
			}
		}
		b.WriteString(word)
		column += len(word) + 2
	}
	return b.String()
}
