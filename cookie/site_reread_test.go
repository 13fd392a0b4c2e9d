package cookie

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// numberedSite is web.config number n: a key, and a cookie that is named after it.
func numberedSite(n int) string {
	digit := fmt.Sprintf("%X", n)
	return `<configuration><system.web><machineKey compatibilityMode="Framework45" validationKey="` + strings.Repeat(digit+"9", 64) +
		`" decryptionKey="` + strings.Repeat(digit+"7", 32) + `"/><authentication mode="Forms"><forms name="Site` + digit + `"/></authentication></system.web></configuration>`
}

// A file that is replaced between the two readings gives the key and the
// settings of one version.
func TestLoadSiteReadsOneVersion(t *testing.T) {
	for _, tt := range []struct {
		name     string
		versions []string // what the file becomes after the key was read
		cookie   string
		reads    int
		fails    bool
	}{
		{"nothing changes", nil, "Site1", 1, false},
		{"another key", []string{numberedSite(2)}, "Site2", 2, false},
		{"two changes", []string{numberedSite(2), numberedSite(3)}, "Site3", 3, false},
		{"another mode", []string{strings.Replace(numberedSite(1), "Framework45", "Framework20SP2", 1)}, "Site1", 2, false},
		{"other settings", []string{strings.Replace(numberedSite(1), `name="Site1"`, `name="Renamed"`, 1)}, "Renamed", 1, false},
		{"it changes all the time", []string{numberedSite(2), numberedSite(3), numberedSite(4), numberedSite(5), numberedSite(6)}, "", 5, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "web.config")
			write := func(text string) {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			now := numberedSite(1)
			write(now)
			reads := 0
			b := siteBuilder{site: &Site{}, o: &SiteOptions{}}
			b.between = func() {
				if reads < len(tt.versions) {
					now = tt.versions[reads]
					write(now)
				}
				reads++
			}
			key, _, err := b.read(path)
			if reads != tt.reads || (err != nil) != tt.fails {
				t.Fatalf("read %d times, %v", reads, err)
			}
			if tt.fails {
				return
			}
			cfg, err := machinekey.ParseWebConfig(strings.NewReader(now))
			if err != nil {
				t.Fatal(err)
			}
			want, err := machinekey.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if key.ID() != want.ID() || key.Mode() != want.Mode() || b.settings.Authentication.Forms.Name != tt.cookie {
				t.Errorf("key %v, cookie %q", key, b.settings.Authentication.Forms.Name)
			}
		})
	}
}

// The file of a configSource counts as part of the file.
func TestLoadSiteReadsOneConfigSource(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	element := func(digit string) string {
		return `<machineKey validationKey="` + strings.Repeat(digit+"9", 64) + `" decryptionKey="` + strings.Repeat(digit+"7", 32) + `"/>`
	}
	write("web.config", `<configuration><system.web><machineKey configSource="key.config"/><authentication mode="Forms"/></system.web></configuration>`)
	write("key.config", element("1"))
	b := siteBuilder{site: &Site{}, o: &SiteOptions{}, between: func() { write("key.config", element("2")) }}
	key, cfg, err := b.read(filepath.Join(folder, "web.config"))
	if err != nil || cfg.ValidationKey.Reveal()[0] != 0x29 || b.settings.MachineKey.ValidationKey.Reveal()[0] != 0x29 {
		t.Errorf("%v, %v", key, err)
	}
}
