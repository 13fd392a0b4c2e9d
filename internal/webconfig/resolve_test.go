package webconfig

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// resolve returns settings in the shape of the vectors' "expect", as
// encoding/json reads it.
func resolve(tb testing.TB, s *Settings) map[string]any {
	tb.Helper()
	m := s.MachineKey
	all := map[string]any{
		"error":           nil,
		"appSettings":     resolveSwitches(s.AppSettings),
		"targetFramework": orNull(s.HTTPRuntime.TargetFramework),
		"machineKey": map[string]any{
			"validationKey":              strings.ToUpper(hex.EncodeToString(m.ValidationKey.Reveal())),
			"decryptionKey":              strings.ToUpper(hex.EncodeToString(m.DecryptionKey.Reveal())),
			"validation":                 m.Validation,
			"decryption":                 m.Decryption,
			"compatibilityMode":          m.Mode,
			"applicationName":            m.ApplicationName,
			"dataProtectorType":          m.DataProtectorType,
			"compatibilityModeFrom":      m.ModeFrom,
			"present":                    m.Line > 0,
			"decryptionEffective":        m.DecryptionEffective,
			"usableForMachineKeyProtect": m.UsableForProtect(),
		},
		"authentication": map[string]any{"mode": s.Authentication.Mode,
			"forms": resolveForms(s.Authentication.Forms)},
		"httpCookies": map[string]any{
			"httpOnlyCookies": s.HTTPCookies.HTTPOnly,
			"requireSSL":      s.HTTPCookies.RequireSSL,
			"domain":          s.HTTPCookies.Domain,
			"sameSite":        s.HTTPCookies.SameSite,
		},
		"identity":   resolveIdentity(s.Identity),
		"federation": resolveFederation(s.Federation),
		"cora":       resolveCora(s.Cora),
		"warnings":   resolveWarnings(s.Warnings),
	}
	data, err := json.Marshal(all)
	if err != nil {
		tb.Fatal(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(data, &plain); err != nil {
		tb.Fatal(err)
	}
	return plain
}

func resolveSwitches(a AppSettings) any {
	set := map[string]any{}
	for _, s := range a.Switches {
		set[s.Key] = s.On
		if !s.Valid {
			set[s.Key] = nil
		}
	}
	return set
}

func resolveForms(f *Forms) any {
	if f == nil {
		return nil
	}
	return map[string]any{
		"name": f.Name, "loginUrl": f.LoginURL, "defaultUrl": f.DefaultURL, "protection": f.Protection, "path": f.Path,
		"requireSSL": f.RequireSSL, "slidingExpiration": f.SlidingExpiration, "cookieless": f.Cookieless, "domain": f.Domain,
		"enableCrossAppRedirects": f.EnableCrossAppRedirects, "ticketCompatibilityMode": f.TicketCompatibilityMode,
		"cookieSameSite": f.CookieSameSite, "timeoutMinutes": f.TimeoutMinutes,
	}
}

func resolveIdentity(id *Identity) any {
	if id == nil {
		return nil
	}
	all := map[string]any{
		"schema":                  id.Schema,
		"saveBootstrap":           id.SaveBootstrap,
		"maximumClockSkewSeconds": orInfinite(id.MaximumClockSkew),
		"tokenReplayDetection": map[string]any{"enabled": id.ReplayDetection,
			"expirationPeriod": orInfinite(id.ReplayPeriod)},
		"audienceUris":           append([]string{}, id.AudienceURIs...),
		"sessionHandler":         orNull(id.Session.Type),
		"protection":             orNull(id.Session.Protection),
		"sessionLifetimeSeconds": nil,
		"sessionCacheType":       orNull(id.SessionCacheType),
		"useWindowsTokenService": id.Session.UseWindowsTokenService,
	}
	if id.Session.Type != "" {
		all["sessionLifetimeSeconds"] = id.Session.Lifetime.Seconds()
	}
	return all
}

func resolveFederation(f *Federation) any {
	if f == nil {
		return nil
	}
	h := f.CookieHandler
	all := map[string]any{
		"cookieHandler": map[string]any{
			"name": h.Name, "path": orNull(h.Path), "mode": h.Mode, "domain": h.Domain, "hideFromScript": h.HideFromScript,
			"requireSsl": h.RequireSSL, "persistentSessionLifetimeSeconds": h.PersistentLifetime.Seconds(), "chunkSize": h.ChunkSize,
		},
		"wsFederation": nil,
	}
	if w := f.WSFederation; w != nil {
		all["wsFederation"] = map[string]any{
			"issuer": w.Issuer, "realm": w.Realm, "reply": w.Reply, "passiveRedirectEnabled": w.PassiveRedirectEnabled,
			"persistentCookiesOnPassiveRedirects": w.PersistentCookies, "requireHttps": w.RequireHTTPS,
		}
	}
	return all
}

func resolveCora(c *Cora) any {
	if c == nil {
		return nil
	}
	locations := map[string]any{}
	for _, l := range c.Locations {
		locations[l.Path] = map[string]any{"enabled": l.Enabled}
	}
	return map[string]any{
		"enabled": c.Enabled, "application": c.Application, "lifetimeMinutes": c.LifetimeMinutes,
		"maxLifetimeMinutes": c.MaxLifetimeMinutes,
		"cookieNamePrefix":   c.CookieNamePrefix, "cookieName": orNull(c.CookieName()),
		"path": c.Path, "domain": c.Domain, "secure": c.Secure,
		"cacheMaxSize": c.CacheMaxSize, "cacheItemFadeMinutes": c.CacheItemFadeMinutes, "reuseSession": c.ReuseSession,
		"locations": locations,
	}
}

// resolveWarnings returns the codes in order of the alphabet.
func resolveWarnings(ws []Warning) any {
	codes := []string{}
	for _, w := range ws {
		codes = append(codes, w.Code)
	}
	slices.Sort(codes)
	return codes
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orInfinite(d time.Duration) any {
	if d == Infinite {
		return "infinite"
	}
	return d.Seconds()
}
