package main

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// TestCoreOthers opens what else ASP.NET Core protects, under its name and without one.
func TestCoreOthers(t *testing.T) {
	type protected struct {
		SetCookie, RequestToken, Ring, ApplicationName, PlaintextUTF8, Plaintext string
	}
	var file struct {
		Others struct {
			Bearer []struct {
				Field, Ring, ApplicationName, Text, Now string
				Ticket                                  recordedTicket
			}
			Session, Antiforgery protected
		}
	}
	testkit.JSON(t, "aspnetcore_cookies.json", &file)
	rings := coreRings(t)
	t.Chdir(t.TempDir())
	for _, v := range file.Others.Bearer {
		ring := rings[v.Ring]
		args := append(ring.flags(t, v.ApplicationName), "-at", v.Now)
		want, header := site.CoreBearer, "Authorization: Bearer "
		if v.Field == "refreshToken" {
			want, header = site.CoreRefresh, ""
		}
		for _, text := range []string{header + v.Text, v.Text} {
			code, c := inspectCore(t, ring, text, args...)
			if code != exitOK || c.Kind != want || c.Scheme != "Identity.Bearer" ||
				c.Core.Scheme != v.Ticket.Scheme {
				t.Fatalf("%s: %+v", v.Field, c)
			}
			v.Ticket.Identities[0].same(t, &c.Core.Identities[0])
		}
		// A refresh token in place of an access token, and the other way round.
		other := map[kind]string{site.CoreBearer: "refresh", site.CoreRefresh: "bearer"}[want]
		code, c := inspectCore(t, ring, v.Text, append(args, "-kind", other)...)
		if code != exitRefused || c.Refused.Layer != "key-ring" {
			t.Errorf("%s as %s: %+v", v.Field, other, c)
		}
	}

	pair := func(line string) (whole, value string) {
		whole, _, _ = strings.Cut(line, ";")
		_, value, _ = strings.Cut(whole, "=")
		return whole, value
	}
	s := file.Others.Session
	whole, value := pair(s.SetCookie)
	for _, text := range []string{whole, "Set-Cookie: " + s.SetCookie, value} {
		code, c := inspectCore(t, rings[s.Ring], text, rings[s.Ring].flags(t, s.ApplicationName)...)
		if code != exitOK || c.Kind != site.CoreSession || c.Protected.Text != s.PlaintextUTF8 {
			t.Errorf("session: %+v", c)
		}
	}
	a := file.Others.Antiforgery
	whole, value = pair(a.SetCookie)
	for _, text := range []string{
		whole, value, a.RequestToken, "__RequestVerificationToken=" + a.RequestToken,
	} {
		code, c := inspectCore(t, rings[a.Ring], text, rings[a.Ring].flags(t, a.ApplicationName)...)
		if code != exitOK || c.Kind != site.Antiforgery {
			t.Fatalf("antiforgery: %+v", c)
		}
		got := c.Protected.Antiforgery
		ofCookie := strings.HasSuffix(text, value)
		if got.Cookie != ofCookie || got.SecurityToken != a.Plaintext[2:34] || got.User != "" {
			t.Errorf("antiforgery: %+v", got)
		}
	}
}

// payloadVector is a payload of dataprotection.json.
type payloadVector struct {
	Name, Ring, ApplicationName, Protected string
	Purposes                               []string
	Plaintext                              *string
	Expires                                string
	TimeLimited, Valid                     bool
}

// TestCorePayloads opens every recorded payload with its purposes, and refuses every damaged one.
func TestCorePayloads(t *testing.T) {
	var file struct {
		Vectors, Refused []payloadVector
		SeveralKeys      []payloadVector `json:"several_keys"`
		TimeLimited      []payloadVector `json:"time_limited"`
	}
	testkit.JSON(t, "dataprotection.json", &file)
	rings := coreRings(t)
	t.Chdir(t.TempDir())
	opened := 0
	list := slices.Concat(file.Vectors, file.SeveralKeys, file.TimeLimited)
	for i := 0; i < len(file.Refused); i += 9 {
		list = append(list, file.Refused[i])
	}
	for _, v := range list {
		args := append(rings[v.Ring].flags(t, v.ApplicationName),
			"-kind", "protected", "-at", "2026-06-01")
		for _, p := range v.Purposes {
			args = append(args, "-purpose="+p)
		}
		if v.Protected == "" {
			continue // nothing was pasted
		}
		code, c := inspectCore(t, nil, v.Protected, args...)
		if v.TimeLimited && c.Protected != nil && c.Protected.Expires == nil {
			t.Errorf("%s: no end", v.Name)
		}
		if (code == exitOK) != v.Valid {
			t.Errorf("%s: exit code %d, valid %v: %+v", v.Name, code, v.Valid, c.Refused)
			continue
		}
		if !v.Valid {
			continue
		}
		opened++
		got := c.Protected.Hex
		if got == "" {
			got = hex.EncodeToString([]byte(c.Protected.Text))
		}
		if got != *v.Plaintext || c.Protected.Size != len(got)/2 {
			t.Errorf("%s: %s, want %s", v.Name, got, *v.Plaintext)
		}
		if v.Expires != "" {
			at, err := time.Parse(time.RFC3339, v.Expires)
			if err != nil || !at.Equal(*c.Protected.Expires) {
				t.Errorf("%s: expires %v, want %s", v.Name, c.Protected.Expires, v.Expires)
			}
		}
	}
	if opened < 150 || len(list) < 240 {
		t.Fatalf("%d opened of %d", opened, len(list))
	}
}

// TestCoreSystemWeb opens the cookies of a site on System.Web whose web.config names
// CompatibilityDataProtector.
func TestCoreSystemWeb(t *testing.T) {
	var file struct {
		Vectors []struct {
			Name, Kind, Ring, Cookie, Protected string
			ApplicationName                     *string
			Purposes                            []string
			Ticket                              struct{ Name, AuthenticationType string }
		}
	}
	testkit.JSON(t, "dataprotection_systemweb.json", &file)
	rings := coreRings(t)
	t.Chdir(t.TempDir())
	const config = `<configuration><system.web>
  <machineKey compatibilityMode="Framework45" applicationName="%s"
    dataProtectorType="Microsoft.AspNetCore.DataProtection.SystemWeb.CompatibilityDataProtector, Microsoft.AspNetCore.DataProtection.SystemWeb" />
  <authentication mode="Forms"><forms /></authentication>
</system.web></configuration>
`
	ran := map[string]int{}
	for _, v := range file.Vectors {
		application := ""
		if v.ApplicationName != nil {
			application = *v.ApplicationName
		}
		ring := rings[v.Ring]
		writeFile(t, "web.config", fmt.Sprintf(config, application))
		args := append(ring.flags(t, "overruled by the web.config"), "-config", "web.config",
			"-at", "0001-01-01", "-allow-insecure")
		text := v.Cookie
		switch v.Kind {
		case "forms":
			if strings.HasSuffix(v.Name, "nul-in-name") ||
				strings.HasSuffix(v.Name, "too-long-to-decrypt") {
				continue // what Go's texts cannot hold, and what .NET does not read
			}
			text = ".ASPXAUTH=" + text
		case "fedauth":
			text = "FedAuth=" + text
		case "owin":
			args = append(args, "-kind", "katana")
			for _, p := range v.Purposes[1:] {
				args = append(args, "-purpose", p)
			}
		case "machinekey":
			args = append(ring.flags(t, application), "-kind", "protected")
			for _, p := range v.Purposes {
				args = append(args, "-purpose", p)
			}
			text = v.Protected
		}
		ran[v.Kind]++
		_, c := inspectCore(t, ring, text, args...)
		var got bool
		switch v.Kind {
		case "forms":
			got = c.Forms != nil && c.Forms.Name == v.Ticket.Name
		case "fedauth":
			got = c.Token != nil
		case "owin":
			got = c.Katana != nil &&
				c.Katana.Identity.AuthenticationType == v.Ticket.AuthenticationType
		case "machinekey":
			got = c.Protected != nil
		}
		opened := slices.ContainsFunc(c.Layers, func(l layerReport) bool {
			return l.KeyID != "" && l.Config == "the key ring"
		})
		if !got && v.Kind != "owin" || !opened { // some tickets of Katana are refused inside
			t.Errorf("%s: %+v, refused %+v", v.Name, c, c.Refused)
		}
	}
	if ran["forms"] < 24 || ran["fedauth"] < 27 || ran["owin"] < 20 || ran["machinekey"] < 12 {
		t.Fatalf("ran %v", ran)
	}
	r := tool(t, ".ASPXAUTH=00", "inspect", "-config", "web.config", "-").want(t, exitUsage)
	if !strings.Contains(r.err, "-keys") {
		t.Errorf("without a ring: %s", r.err)
	}
}
