package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
)

// formsSite is the text of a site with forms tickets, whose keys are in another element.
func formsSite(key string) string {
	return `<configuration><system.web><httpRuntime targetFramework="4.8"/>` + key +
		`<authentication mode="Forms"/></system.web></configuration>`
}

func freshKey(t testing.TB) machinekey.Config {
	t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestConfigOnce takes a web.config from standard input and from a pipe, in every subcommand.
func TestConfigOnce(t *testing.T) {
	text := formsSite(freshKey(t).WebConfig())
	inFolder(t, "web.config", text)
	r := tool(t, text, "issue", "-config", "-", "-name", "bob", "-json").want(t, exitOK)
	var made issueReport
	r.decode(t, &made)
	if made.Kind != site.Forms || len(made.Notes) != 1 ||
		made.Notes[0] != "the site accepts a forms authentication ticket; this is one (-kind forms)" {
		t.Errorf("%s, %q", made.Kind, made.Notes)
	}
	for _, args := range [][]string{{"inspect", made.Header}, {"doctor", made.Header}, {"check"}} {
		args = append(args, "-config")
		plain := tool(t, "", append(args, "web.config")...).want(t, exitOK).out
		piped := tool(t, text, append(args, "-")...).want(t, exitOK).out
		plain = strings.ReplaceAll(plain, "web.config", standardInput)
		if !slices.Equal(strings.Fields(plain), strings.Fields(piped)) { // columns differ in width
			t.Errorf("%q: by path:\n%s\nby standard input:\n%s", args, plain, piped)
		}
	}
	if r := tool(t, text, "inspect", "-config", "-", "-").want(t,
		exitUsage); !strings.Contains(r.err, "standard input is the web.config") {
		t.Error(r.err)
	}
	if r := tool(t, text, "doctor", "-config", "-", "-config", "-").want(t,
		exitUsage); !strings.Contains(r.err, "given twice") {
		t.Error(r.err)
	}
	if r := tool(t, text, "check", "-config", "-", "-root", ".").want(t,
		exitUsage); !strings.Contains(r.err, "-root needs a -config that is a file") {
		t.Error(r.err)
	}
	if r := tool(t, "", "check", "-config", "-"); r.code != exitRefused ||
		!strings.Contains(r.out, "malformed_xml") {
		t.Errorf("nothing on standard input: %d %s%s", r.code, r.out, r.err)
	}
	large := strings.Repeat(" ", 8<<20+1)
	if r := tool(t, large, "check", "-config", "-"); r.code != exitRefused ||
		!strings.Contains(r.out, "file_too_large") {
		t.Errorf("too much on standard input: %d %.200s%.200s", r.code, r.out, r.err)
	}
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Skip("no named pipes on this machine: ", err)
	}
	go os.WriteFile("pipe", []byte(text), 0o600)
	if r := tool(t, "", "check", "-config", "pipe"); r.code != exitOK ||
		!strings.Contains(r.out, "pipe: no faults") {
		t.Errorf("a pipe: %d\n%s%s", r.code, r.out, r.err)
	}
}

// kubernetes makes the folders of a ConfigMap and a Secret that kubelet mounts side by side: files
// are links into ..data, itself a link to the folder of the present version.
func kubernetes(t *testing.T) (folder string, swap func(cfg machinekey.Config)) {
	t.Helper()
	folder = t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	version := 0
	publish := func(volume, name, text string) {
		version++
		in := filepath.Join(folder, volume)
		data := filepath.Join("..version" + string(rune('0'+version)))
		must(os.MkdirAll(filepath.Join(in, data), 0o700))
		must(os.WriteFile(filepath.Join(in, data, name), []byte(text), 0o600))
		old, _ := os.Readlink(filepath.Join(in, "..data"))
		must(os.Symlink(data, filepath.Join(in, "..data_tmp")))
		must(os.Rename(filepath.Join(in, "..data_tmp"), filepath.Join(in, "..data")))
		if old == "" {
			must(os.Symlink(filepath.Join("..data", name), filepath.Join(in, name)))
		} else {
			must(os.RemoveAll(filepath.Join(in, old)))
		}
	}
	publish("config", "web.config",
		formsSite(`<machineKey configSource="..\secret\machineKey.config"/>`))
	swap = func(cfg machinekey.Config) { publish("secret", "machineKey.config", cfg.WebConfig()) }
	return folder, swap
}

// TestRoot reads a ConfigMap and a Secret in sibling folders, and says what to set without -root.
func TestRoot(t *testing.T) {
	folder, swap := kubernetes(t)
	swap(freshKey(t))
	t.Chdir(folder)
	r := tool(t, "", "check", "-config", "config/web.config").want(t, exitRefused)
	if want := `..\\secret\\machineKey.config"; want a file inside the folder of the web.config, as .NET does, or -root with a folder above both`; !strings.Contains(unfolded(r.out), want) {
		t.Errorf("no %s in\n%s", want, r.out)
	}
	for _, root := range []string{".", folder, filepath.Join(folder, "secret", "..")} {
		r = tool(t, "", "check", "-config", "config/web.config", "-root", root).want(t, exitOK)
		if !strings.HasPrefix(r.out, "config/web.config: no faults") ||
			!strings.Contains(r.out, `accepted: cookie ".ASPXAUTH"`) {
			t.Error(r.out)
		}
	}
	issued := tool(t, "", "issue", "-config", "config/web.config", "-root", ".", "-name",
		"bob").want(t, exitOK)
	for _, c := range []string{"inspect", "doctor"} {
		tool(t, issued.out, c, "-config", "config/web.config", "-root", ".", "-").want(t, exitOK)
	}
	tool(t, "", "check", "-config", "config/web.config", "-root", "config").want(t, exitRefused)
	if r := tool(t, "", "check", "-config", "config/web.config", "-root", "secret").want(t,
		exitUsage); !strings.Contains(r.err, "config/web.config is not below -root secret") {
		t.Error(r.err)
	}
	if r := tool(t, "", "check", "-config", "config/web.config", "-root", "none").want(t,
		exitUsage); !strings.Contains(r.err, "-root") {
		t.Error(r.err)
	}
	if err := os.WriteFile("slash.config",
		[]byte(formsSite(`<machineKey configSource="../secret/machineKey.config"/>`)), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := tool(t, "", "check", "-config", "slash.config", "-root", "/").want(t,
		exitRefused); !strings.Contains(r.out, "backslashes between folder and file") {
		t.Error(r.out)
	}
}

// TestServeFollowsKubernetes swaps the Secret while the gateway runs.
func TestServeFollowsKubernetes(t *testing.T) {
	folder, swap := kubernetes(t)
	first, second := freshKey(t), freshKey(t)
	swap(first)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var log lockedBuffer
	done := make(chan int)
	go func() {
		done <- run(ctx, []string{"serve", "-config", filepath.Join(folder, "config", "web.config"),
			"-root", folder, "-listen", "127.0.0.1:0", "-admin", "", "-watch", "2ms", "-drain",
			"0s"}, strings.NewReader(""), &log, &log)
	}()
	wait := func(text string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !strings.Contains(log.String(),
			text); time.Sleep(2 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no %q in the log:\n%s", text, log.String())
			}
		}
	}
	id := func(cfg machinekey.Config) string { return ringOf(t, cfg).Primary().ID() }
	wait("gateway: ready")
	swap(second)
	wait("machine key changed\" old=" + id(first) + " now=" + id(second))
	cancel()
	if code := <-done; code != exitOK {
		t.Errorf("exit code %d\n%s", code, log.String())
	}
}

// TestTransform names the file that is needed, and two ways to make it.
func TestTransform(t *testing.T) {
	inFolder(t, "web.config", formsSite(freshKey(t).WebConfig()))
	writeFile(t, "web.Release.config",
		`<configuration xmlns:xdt="http://schemas.microsoft.com/XML-Document-Transform"><system.web>`+
			`<machineKey xdt:Transform="Insert"/></system.web></configuration>`)
	want := []string{"web.Release.config changes web.config in the build.\nThe file that runs is web.config after that.",
		"\n  msbuild Site.csproj -t:TransformWebConfig -p:Configuration=Release\n",
		"\n  dotnet xdt -s web.config -t web.Release.config -o deployed.config\n"}
	check := tool(t, "", "check", "-config", "web.Release.config").want(t, exitRefused)
	issue := tool(t, "", "issue", "-config", "web.Release.config", "-name",
		"bob").want(t, exitUsage)
	for _, part := range want {
		if !strings.Contains(check.out, part) || !strings.Contains(issue.err, part) {
			t.Errorf("no %q in\n%s\nor in\n%s", part, check.out, issue.err)
		}
	}
	if r := tool(t, "", "check", "-config", "web.config").want(t,
		exitOK); !strings.Contains(unfolded(r.out), "the build changes this file with web.Release.config:") {
		t.Errorf("no warning of the transform beside it:\n%s", r.out)
	}
	for path, want := range map[string][2]string{
		"web.Release.config":         {"web.config", "Release"},
		"a/Web.Debug.config":         {"Web.config", "Debug"},
		"web.Shop.Production.config": {"web.config", "Shop.Production"},
		"web.config":                 {"web.config", "Release"},
		"x":                          {"web.config", "Release"},
	} {
		if base, configuration := transformPair(path); base != want[0] || configuration != want[1] {
			t.Errorf("%s: %s and %s, want %s", path, base, configuration, want)
		}
	}
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
