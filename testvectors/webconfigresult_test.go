package testvectors_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// resultKeys declares every key of a result.
type resultKeys struct {
	Error           *configFault
	TargetFramework *string
	MachineKey      *struct {
		Present, UsableForMachineKeyProtect      bool
		ValidationKey, DecryptionKey             string // upper-case hex
		Validation, Decryption                   string
		DecryptionEffective                      string
		CompatibilityMode, CompatibilityModeFrom string
		ApplicationName, DataProtectorType       string
	}
	Warnings       []string
	AppSettings    map[string]*bool
	Authentication *struct {
		Mode  string
		Forms *struct {
			Name, LoginURL, DefaultURL, Protection, Path, Cookieless, Domain string
			TicketCompatibilityMode, CookieSameSite                          string
			RequireSSL, SlidingExpiration, EnableCrossAppRedirects           bool
			TimeoutMinutes                                                   int
		}
	}
	HTTPCookies *struct {
		HTTPOnlyCookies, RequireSSL bool
		Domain, SameSite            string
	}
	Identity *struct {
		Schema                  string
		SaveBootstrap           bool
		MaximumClockSkewSeconds any // or "infinite"
		TokenReplayDetection    struct {
			Enabled          bool
			ExpirationPeriod any // or "infinite"
		}
		AudienceURIs                                 []string
		SessionHandler, Protection, SessionCacheType *string
		SessionLifetimeSeconds                       *int
		UseWindowsTokenService                       bool
	}
	Federation *struct {
		CookieHandler struct {
			Name, Mode, Domain               string
			Path                             *string
			HideFromScript, RequireSSL       bool
			PersistentSessionLifetimeSeconds int
			ChunkSize                        int
		}
		WSFederation *struct {
			Issuer, Realm, Reply                 string
			PassiveRedirectEnabled, RequireHTTPS bool
			PersistentCookiesOnPassiveRedirects  bool
		}
	}
	Cora *struct {
		Enabled, Secure, ReuseSession                           bool
		Application, CookieNamePrefix, CookieName, Path, Domain string
		LifetimeMinutes, MaxLifetimeMinutes                     int
		CacheMaxSize, CacheItemFadeMinutes                      int
		Locations                                               map[string]struct{ Enabled bool }
	}
}

// describeSettings writes settings the way the vectors do.
func describeSettings(t *testing.T, s *siteSettings) map[string]any {
	t.Helper()
	m, h := s.MachineKey, s.HTTPCookies
	switches := map[string]any{}
	for _, s := range s.AppSettings.Switches {
		switches[s.Key] = s.On
		if !s.Valid {
			switches[s.Key] = nil
		}
	}
	warnings := []string{}
	for _, w := range s.Warnings {
		warnings = append(warnings, w.Code)
	}
	slices.Sort(warnings)
	return jsonTree(t, map[string]any{
		"error": nil, "appSettings": switches, "targetFramework": s.HTTPRuntime.TargetFramework,
		"machineKey": map[string]any{
			"present": m.Line > 0, "usableForMachineKeyProtect": m.UsableForProtect(),
			"validationKey": upperHex(m.ValidationKey.Reveal()), "decryptionKey": upperHex(m.DecryptionKey.Reveal()),
			"validation": m.Validation, "decryption": m.Decryption, "decryptionEffective": m.DecryptionEffective,
			"compatibilityMode": m.Mode, "compatibilityModeFrom": m.ModeFrom,
			"applicationName": m.ApplicationName, "dataProtectorType": m.DataProtectorType,
		},
		"authentication": map[string]any{"mode": s.Authentication.Mode,
			"forms": describeForms(s.Authentication.Forms)},
		"httpCookies": map[string]any{
			"httpOnlyCookies": h.HTTPOnly, "requireSSL": h.RequireSSL, "domain": h.Domain, "sameSite": h.SameSite,
		},
		"identity": describeWIF(s.Identity), "federation": describeFederation(s.Federation), "cora": describeCora(s.Cora),
		"warnings": warnings,
	})
}

func upperHex(data []byte) string { return strings.ToUpper(hex.EncodeToString(data)) }

func describeForms(f *webconfig.Forms) any {
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

func describeWIF(id *webconfig.Identity) any {
	if id == nil {
		return nil
	}
	session := id.Session
	all := map[string]any{
		"schema": id.Schema, "saveBootstrap": id.SaveBootstrap, "maximumClockSkewSeconds": secondsOf(id.MaximumClockSkew),
		"tokenReplayDetection": map[string]any{"enabled": id.ReplayDetection,
			"expirationPeriod": secondsOf(id.ReplayPeriod)},
		"audienceUris": append([]string{}, id.AudienceURIs...), "sessionCacheType": id.SessionCacheType,
		"sessionHandler": session.Type, "protection": session.Protection, "useWindowsTokenService": session.UseWindowsTokenService,
		"sessionLifetimeSeconds": nil,
	}
	if session.Type != "" {
		all["sessionLifetimeSeconds"] = secondsOf(session.Lifetime)
	}
	return all
}

func describeFederation(f *webconfig.Federation) any {
	if f == nil {
		return nil
	}
	h := f.CookieHandler
	all := map[string]any{
		"cookieHandler": map[string]any{
			"name": h.Name, "path": h.Path, "mode": h.Mode, "domain": h.Domain, "hideFromScript": h.HideFromScript,
			"requireSsl": h.RequireSSL, "persistentSessionLifetimeSeconds": secondsOf(h.PersistentLifetime), "chunkSize": h.ChunkSize,
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

func describeCora(c *webconfig.Cora) any {
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
		"cookieNamePrefix":   c.CookieNamePrefix, "cookieName": c.CookieName(), "path": c.Path, "domain": c.Domain, "secure": c.Secure,
		"cacheMaxSize": c.CacheMaxSize, "cacheItemFadeMinutes": c.CacheItemFadeMinutes, "reuseSession": c.ReuseSession,
		"locations": locations,
	}
}

func secondsOf(d time.Duration) any {
	if d == webconfig.Infinite {
		return "infinite"
	}
	return d.Seconds()
}
