package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// visitor is the browser of the demo. It keeps cookies, but does not follow redirects.
type visitor struct {
	base   *url.URL
	client *http.Client
}

func newVisitor(base string) (*visitor, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &visitor{u, &http.Client{
		Jar:           jar,
		Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       10 * time.Second,
	}}, nil
}

// cookies returns the cookies that the browser would send.
func (v *visitor) cookies() []*http.Cookie { return v.client.Jar.Cookies(v.base) }

// exchange is a request and its answer.
type exchange struct {
	Request string         `json:"request"`
	Node    string         `json:"node"`
	Status  int            `json:"status"`
	Sent    int            `json:"cookiesSent"`
	Cookies []cookieChange `json:"cookies,omitempty"`
	Says    string         `json:"says,omitempty"`

	me   meReport
	user string
}

// cookieChange is one Set-Cookie.
type cookieChange struct {
	Name    string `json:"name"`
	Size    int    `json:"size"`
	Deleted bool   `json:"deleted,omitempty"`
}

// do makes a request, a POST with a form or without one, or a GET. Cookies replace the browser's.
// The exchange is never nil.
func (v *visitor) do(
	ctx context.Context, method, path string, form url.Values, cookies string,
) (*exchange, error) {
	e := &exchange{Request: method + " " + path, user: form.Get("user"), Sent: len(v.cookies())}
	if e.user != "" {
		e.Request += " user=" + e.user
		if form.Has("core") {
			e.Request += " core=" + form.Get("core")
		}
	}
	target, body := v.base.JoinPath(path).String(), strings.NewReader(form.Encode())
	request, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return e, err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := v.client
	if cookies != "" {
		bare := *client
		bare.Jar = nil
		client = &bare
		request.Header.Set("Cookie", cookies)
		e.Sent = strings.Count(cookies, ";") + 1
	}
	response, err := client.Do(request)
	if err != nil {
		return e, err
	}
	defer response.Body.Close()
	e.Node, e.Status = response.Header.Get(headerNode), response.StatusCode
	for _, c := range response.Cookies() {
		deleted := c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(time.Now())
		e.Cookies = append(e.Cookies, cookieChange{c.Name, len(c.Value), deleted})
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return e, err
	}
	if e.Status == http.StatusOK && path == "/me" {
		if err := json.Unmarshal(answer, &e.me); err != nil {
			return e, err
		}
		e.Says = fmt.Sprintf("%s, %s, roles %s",
			e.me.Name, plural(e.me.Claims, "claim"), strings.Join(e.me.Roles, " and "))
	}
	return e, nil
}
