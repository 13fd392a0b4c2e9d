package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// issueReport is the result of issue, in the form of -json. Cookies, SetCookie and Header are set
// for a credential in cookies, Authorization for an access token.
type issueReport struct {
	OK            bool         `json:"ok"`
	Kind          kind         `json:"kind"`
	KeyID         string       `json:"keyId"`
	ValidFrom     time.Time    `json:"validFrom"`
	ValidTo       time.Time    `json:"validTo"`
	Cookies       []issuedPart `json:"cookies,omitempty"`
	SetCookie     []string     `json:"setCookie,omitempty"`
	Header        string       `json:"cookieHeader,omitempty"`  // the value, without "Cookie: "
	Authorization string       `json:"authorization,omitempty"` // the value, without "Authorization: "
	Value         string       `json:"value,omitempty"`         // of a refresh token or code
	Curl          string       `json:"curl"`
	Notes         []string     `json:"notes,omitempty"`
}

type issuedPart struct {
	Name string `json:"name"`
	Size int    `json:"size"`
}

// largeHeader is the size of a Cookie header beyond which servers refuse requests by default:
// http.sys takes 16 KiB for all headers, nginx 8 KiB for one.
const largeHeader = 8 << 10

func (r *issueReport) setCookies(set []*http.Cookie) {
	var pairs []string
	for _, part := range set {
		r.Cookies = append(r.Cookies, issuedPart{part.Name, len(part.Value)})
		r.SetCookie = append(r.SetCookie, part.String())
		pairs = append(pairs, part.Name+"="+part.Value)
	}
	r.Header = strings.Join(pairs, "; ")
	if len(r.Header) > largeHeader {
		r.Notes = append(r.Notes, fmt.Sprintf(
			"the Cookie header has %d bytes; many servers and proxies take no more than 8 or 16 KiB", len(r.Header)))
	}
}

func (r *issueReport) print(s streams, user string) error {
	var b bytes.Buffer
	form := r.Kind.Long()
	if len(r.Cookies) > 0 {
		form = "in " + plural(len(r.Cookies), "cookie")
	}
	fmt.Fprintf(&b, "# %s, valid to %s, %s\n", printable(user), when(r.ValidTo, r.ValidFrom), form)
	for _, line := range r.SetCookie {
		fmt.Fprintf(&b, "Set-Cookie: %s\n", line)
	}
	switch {
	case r.Header != "":
		fmt.Fprintf(&b, "\n# the same as the header of a request\nCookie: %s\n", r.Header)
	case r.Authorization != "":
		fmt.Fprintf(&b, "Authorization: %s\n", r.Authorization)
	default:
		fmt.Fprintf(&b, "%s\n", r.Value)
	}
	fmt.Fprintf(&b, "\n# the same for curl\n%s\n", r.Curl)
	for _, note := range r.Notes {
		fmt.Fprintf(s.err, "note: %s\n", note)
	}
	_, err := s.out.Write(b.Bytes())
	return err
}
