package testvectors_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
)

// configCase is a small web.config and what is in it.
type configCase struct {
	ID, Desc, XML string
	Expect        *configResult
}

func runWebConfigCases(t *testing.T, f *file) {
	var content struct {
		About string
		Cases []configCase
	}
	f.read(t, &content)
	if len(content.Cases) == 0 {
		t.Fatal("no vectors")
	}
	each(t, f, content.Cases, func(c *configCase) string { return c.ID }, func(t *testing.T, c *configCase) {
		if c.Expect == nil {
			t.Fatal("nothing is expected")
		}
		c.Expect.check(t, []byte(c.XML))
	})
}

// runWebConfigPair runs a whole web.config that has its result beside it.
func runWebConfigPair(t *testing.T, f *file) {
	results := make([]configResult, 1)
	f.read(t, &results[0])
	each(t, f, results, func(*configResult) string { return "config" }, func(t *testing.T, r *configResult) {
		r.check(t, f.config)
	})
}

// configResult is what a web.config says, with .NET's defaults filled in, or
// its first fault.
type configResult struct {
	Error *struct {
		Code    string
		Section *string // null: the file as a whole
		Detail  string  // free text
	}
	TargetFramework *string
	MachineKey      *machineKeyResult
	Warnings        []string
	pendingResult
}

type machineKeyResult struct {
	Present                                  bool
	ValidationKey, DecryptionKey             string // upper-case hex
	Validation, Decryption                   string
	DecryptionEffective                      string
	CompatibilityMode, CompatibilityModeFrom string
	ApplicationName, DataProtectorType       string
	UsableForMachineKeyProtect               bool
}

func (r *configResult) check(t *testing.T, xml []byte) {
	section, later := r.fault(t)
	cfg, err := machinekey.ParseWebConfig(bytes.NewReader(xml))
	switch {
	case r.Error != nil && !later:
		wantCode(t, err, r.Error.Code)
		if e, ok := err.(*machinekey.ConfigError); ok && e.Section != section {
			t.Errorf("error in section %q, want %q", e.Section, section)
		}
		return
	case err != nil:
		t.Fatal(err)
	case later:
		return // nothing is recorded but the fault
	case r.MachineKey == nil || !r.MachineKey.Present:
		t.Fatal("no machineKey is expected and one is read")
	}
	m := r.MachineKey
	file, err := webconfig.Parse(bytes.NewReader(xml), nil)
	if err != nil {
		t.Fatal(err)
	}
	runtime, err := file.HTTPRuntime()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := file.MachineKey()
	if err != nil {
		t.Fatal(err)
	}
	framework := ""
	if r.TargetFramework != nil {
		framework = *r.TargetFramework
	}
	for _, field := range []struct{ name, got, want string }{
		{"targetFramework", runtime.TargetFramework, framework},
		{"validationKey", strings.ToUpper(hex.EncodeToString(cfg.ValidationKey)), m.ValidationKey},
		{"decryptionKey", strings.ToUpper(hex.EncodeToString(cfg.DecryptionKey)), m.DecryptionKey},
		{"validation", cfg.Validation.String(), m.Validation},
		{"decryption", cfg.Decryption.String(), m.Decryption},
		{"decryptionEffective", raw.DecryptionEffective, m.DecryptionEffective},
		{"compatibilityMode", cfg.Mode.String(), m.CompatibilityMode},
		{"compatibilityModeFrom", cfg.ModeSource.From, m.CompatibilityModeFrom},
		{"applicationName", raw.ApplicationName, m.ApplicationName},
		{"dataProtectorType", raw.DataProtectorType, m.DataProtectorType},
	} {
		if field.got != field.want {
			t.Errorf("%s %q, want %q", field.name, field.got, field.want)
		}
	}
	if raw.UsableForProtect != m.UsableForMachineKeyProtect {
		t.Errorf("usableForMachineKeyProtect %v, want %v", raw.UsableForProtect, m.UsableForMachineKeyProtect)
	}
	if !m.UsableForMachineKeyProtect {
		checkUnusable(t, cfg)
	}
	r.checkWarnings(t, slices.Concat(file.Warnings(), raw.Warnings))
}

// fault returns the section of the expected fault, and whether it is one whose
// faults are not found yet.
func (r *configResult) fault(t *testing.T) (section string, later bool) {
	t.Helper()
	if r.Error == nil || r.Error.Section == nil {
		return "", false
	}
	section = *r.Error.Section
	later = slices.ContainsFunc(pendingSections, func(p string) bool { return strings.HasPrefix(section, p) })
	if !later && section != "system.web/machineKey" && section != "system.web/httpRuntime" {
		t.Fatalf("no test for a fault in section %q", section)
	}
	return section, later
}

// checkUnusable wants that MachineKey.Protect refuses the keys.
func checkUnusable(t *testing.T, cfg machinekey.Config) {
	t.Helper()
	cfg.AllowInsecure = true
	purpose, err := machinekey.UserPurpose("test")
	if err != nil {
		t.Fatal(err)
	}
	_, err = protectorOf(cfg, purpose, nil)
	wantCode(t, err, "invalid_validation_algorithm")
}

func (r *configResult) checkWarnings(t *testing.T, warnings []webconfig.Warning) {
	t.Helper()
	var got, want []string
	for _, w := range warnings {
		got = append(got, w.Code)
	}
	for _, code := range r.Warnings {
		if !slices.Contains(pendingWarnings, code) {
			want = append(want, code)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("warnings %v, want %v", got, want)
	}
}

// pendingResult declares the keys of later sections.
type pendingResult struct {
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
