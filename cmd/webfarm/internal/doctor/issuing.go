package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/site"
)

// cookieSetting is a setting of the cookies that a node sets.
type cookieSetting struct {
	value func(c *site.Credential) string // as the file has it
	// at is the element and attribute for sessions, forms, roles, anonymous ids and Katana, which
	// has most of them in code.
	at     [5]string
	effect effect
	note   string
}

// effect is what happens if two nodes do not agree on a setting.
type effect int

const (
	noObstacle   effect = iota
	notShared           // the browser or .NET keeps a node's cookie from the other
	signInUnlike        // it is shared, and users are signed out or cannot sign in
)

var cookieSettings = []cookieSetting{
	{func(c *site.Credential) string { return c.Name },
		[5]string{"cookieHandler name", "forms name", "roleManager cookieName", "anonymousIdentification cookieName"},
		notShared, ""},
	{func(c *site.Credential) string { return c.Path },
		[5]string{"cookieHandler path", "forms path", "roleManager cookiePath", "anonymousIdentification cookiePath"},
		notShared, "the browser sends the cookie below it only, and sign-out deletes it there only"},
	{func(c *site.Credential) string { return c.Domain },
		[5]string{"cookieHandler domain", "forms domain", "roleManager domain", "anonymousIdentification domain", "httpCookies domain"},
		notShared, "the browser sends the cookie to other hosts, and sign-out deletes it there only"},
	{func(c *site.Credential) string { return toggle(c.Secure) },
		[5]string{"cookieHandler requireSsl", "forms requireSSL", "roleManager cookieRequireSSL",
			"anonymousIdentification cookieRequireSSL", "httpCookies requireSSL"},
		signInUnlike, "over plain http users of one node are strangers, also on the other"},
	{func(c *site.Credential) string { return c.SameSite },
		[5]string{"httpCookies sameSite", "forms cookieSameSite", "httpCookies sameSite", "httpCookies sameSite", "httpCookies sameSite"},
		signInUnlike, "on the way from other sites and in frames the browser sends the cookie of one node only"},
	{func(c *site.Credential) string { return fmt.Sprint(!c.ScriptAccess) },
		[5]string{"cookieHandler hideFromScript"}, noObstacle, "scripts can read the cookie that one node sets"},
	{func(c *site.Credential) string {
		if c.Kind.IsSession() {
			return timeSpanOf(c.Lifetime)
		}
		return fmt.Sprint(int(c.Lifetime / time.Minute))
	},
		[5]string{"sessionTokenRequirement lifetime", "forms timeout", "roleManager cookieTimeout", "anonymousIdentification cookieTimeout"},
		signInUnlike, "users are signed out sooner if one node signs them in, or renews"},
	{func(c *site.Credential) string { return toggle(c.Sliding) },
		[5]string{"", "forms slidingExpiration", "roleManager cookieSlidingExpiration", "anonymousIdentification cookieSlidingExpiration"},
		signInUnlike, "only one node renews, and users of the other are signed out while they work"},
	{func(c *site.Credential) string { return timeSpanOf(c.PersistentLifetime) },
		[5]string{"cookieHandler persistentSessionLifetime"},
		signInUnlike, "sign-ins that are to be kept last for different times, or end with the browser"},
	{func(c *site.Credential) string { return fmt.Sprint(c.ChunkSize) },
		[5]string{"chunkedCookieHandler chunkSize"}, noObstacle, "no obstacle to reading"},
	{func(c *site.Credential) string { return timeSpanOf(max(c.ClockSkew, 0)) },
		[5]string{"identityConfiguration maximumClockSkew"}, noObstacle, "near its ends a session is good on one node only"},
}

// elements are the paths of the elements in the table.
var elements = map[string]string{"cookieHandler": pathCookie, "forms": pathForms, "roleManager": pathRoles,
	"anonymousIdentification": pathAnonymous, "httpCookies": "system.web/httpCookies"}

// cookies compares the cookies that both nodes set.
func (c *comparer) cookies() {
	for i, k := range []Kind{c.a.session.Kind, Forms, Roles, Anonymous, Katana} {
		a, b := c.a.site.Of(k, ""), c.b.site.Of(k, "")
		if k != Katana && !(a.On && b.On) {
			continue
		}
		for _, s := range cookieSettings {
			if s.at[i] == "" {
				continue
			}
			d := Difference{Setting: s.at[i], Values: [2]string{s.value(a), s.value(b)}, Note: s.note}
			if element, name, _ := strings.Cut(s.at[i], " "); elements[element] != "" {
				d.fix = attribute(elements[element], name)
				if k == WIF10 && element == "cookieHandler" {
					d.fix.Path = pathCookie10
				}
			}
			switch {
			case s.effect == notShared && k.IsSession():
				d.Blocks = []Kind{FedAuth, WIF10}
			case s.effect == notShared && k != Katana:
				d.Blocks = []Kind{k}
			case s.effect != noObstacle && (k.IsSession() || k == Forms || k == Katana):
				d.Unlike = []Kind{k}
			}
			c.note(d)
		}
	}
}

func toggle(t site.Toggle) string {
	return [...]string{"", "true", "false"}[min(t, site.Off)]
}

// timeSpanOf is d as .NET writes it, empty for zero.
func timeSpanOf(d time.Duration) string {
	days := ""
	switch n := d / (24 * time.Hour); {
	case d == 0:
		return ""
	case n > 0:
		days = fmt.Sprintf("%d.", n)
	}
	return days + fmt.Sprintf("%02d:%02d:%02d", d/time.Hour%24, d/time.Minute%60, d/time.Second%60)
}
