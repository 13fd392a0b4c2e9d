package main

import (
	"log/slog"
	"strings"
)

// goNames are what messages of the packages say to programmers, and the flags in their place. The
// longer of two names comes first.
var goNames = strings.NewReplacer(
	"SiteOptions.DataProtection of package cookie", "-keys",
	"SiteOptions.DataProtection", "-keys",
	"SiteOptions.Credentials", "-credential",
	"SiteOptions.Roles reads them, or FormsOptions.Roles", "-forms-roles reads them",
	"SiteOptions.Bridge", "-bridge",
	"SiteOptions.Older and Next have", "-older and -next have",
	"AllowInsecure of SiteOptions.Config", "-allow-insecure",
	"AllowInsecure in the Config", "-allow-insecure",
	"AllowKnownKey", "-allow-known-key",
	"AllowWeakKey", "-allow-weak-key",
	"see Generate;", "see \"webfarm keygen\";",
	"SessionsOptions.MaxLifetime needs a Store, or Sliding Off",
	"-max-lifetime needs -store memory, or -sliding off",
	"Credential.NoReuse, needs SessionsOptions.Store", "NoReuse=true of -credential, needs -store memory",
	"MemoryOptions.MaxNoteBytes", "-note-bytes",
	"set SessionOptions.WIF10", "say -kind wif10",
	"leave SessionOptions.WIF10 out", "say -kind fedauth",
	"RingOptions.ApplicationName", "-app",
	"RingOptions.Certificates", "-certificate",
	"set RingOptions.Decrypt, or call", "call",
	"or Ring.Keep make one", "or \"webfarm keys new\" make one",
	"LoadSiteFS of a folder above both", "-root with a folder above both",
	"by the options", "by a flag",
	"http: invalid Cookie.Name", "-cookie: not the name of a cookie",
)

// inFlags returns a message of the packages with flags in the place of Go's names.
func inFlags(text string) string { return goNames.Replace(text) }

// flagAttr is inFlags for a log.
func flagAttr(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve().Any().(type) {
	case error:
		a.Value = slog.StringValue(inFlags(v.Error()))
	case string:
		a.Value = slog.StringValue(inFlags(v))
	}
	return a
}
