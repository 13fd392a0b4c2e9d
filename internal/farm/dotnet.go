package farm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// InstallMono is how to install what the C# node needs, on Debian and Ubuntu.
const InstallMono = "apt-get install --no-install-recommends mono-mcs mono-runtime libmono-system-core4.0-cil " +
	"libmono-system-runtime-serialization4.0-cil libmono-system-xml4.0-cil"

// InstallGo is how to install what a test needs that builds or tests a package.
const InstallGo = "see https://go.dev/doc/install, and put its bin on the PATH"

// Dotnet is the compiled C# program of testvectors/dotnet.
type Dotnet struct{ exe string }

const program = "peer.exe"

// build compiles the program once.
type build struct {
	mu  sync.Mutex
	dir string // that holds the program, once compiled
}

// compiled lives as long as a test binary.
var compiled = new(build)

// exe returns the path of the program.
func (b *build) exe(t testing.TB) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir == "" {
		dir, err := os.MkdirTemp("", "webfarm-dotnet-")
		if err != nil {
			t.Fatalf("farm: %v", err)
		}
		if err := compile(Root(t), filepath.Join(dir, program)); err != nil {
			os.RemoveAll(dir)
			t.Fatal(err)
		}
		b.dir = dir
	}
	return filepath.Join(b.dir, program)
}

func (b *build) remove() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir != "" {
		os.RemoveAll(b.dir)
	}
}

// BuildDotnet compiles the C# program, once for all tests of a package, whose
// TestMain has to call [Main]. It skips the test if Mono is not installed.
func BuildDotnet(t testing.TB) *Dotnet {
	t.Helper()
	Need(t, InstallMono, "mcs", "mono")
	return &Dotnet{compiled.exe(t)}
}

// Main runs the tests of a package and removes what [BuildDotnet] compiled.
// Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	compiled.remove()
	os.Exit(code)
}

// compile compiles the C# program. The compiler that comes with Windows knows
// C# 5, so no later language is allowed. More arguments go to the compiler.
func compile(root, exe string, arguments ...string) error {
	sources, err := filepath.Glob(filepath.Join(root, "testvectors", "dotnet", "*.cs"))
	if err != nil || len(sources) == 0 {
		return fmt.Errorf("farm: no C# sources below %s (%v)", root, err)
	}
	args := append([]string{"-langversion:5", "-warn:4", "-warnaserror", "-out:" + exe,
		"-r:System.dll", "-r:System.Core.dll", "-r:System.Xml.dll",
		"-r:System.Runtime.Serialization.dll"}, arguments...)
	if out, err := exec.Command("mcs", append(args, sources...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("farm: mcs: %v\n%s", err, out)
	}
	return nil
}

// Command returns the program with arguments, ready to be started.
func (d *Dotnet) Command(args ...string) *exec.Cmd {
	return exec.Command("mono", append([]string{d.exe}, args...)...)
}

// Node is a running node in C#; testvectors/dotnet/README.md says what it
// answers.
type Node struct {
	*Process
	// URL is the node's root, without a slash at the end.
	URL string
}

// NodeOptions are the settings of a [Node]. All but Config have a default.
type NodeOptions struct {
	// Config is the path of the site's web.config, which the node reads again
	// when it changes.
	Config string
	// Name is what the node calls itself, "dotnet" if empty.
	Name string
	// Port is where it listens. Zero: a free one.
	Port int
	// KatanaType is the authentication type of Katana's cookie,
	// "ApplicationCookie" if empty.
	KatanaType string
	// KatanaLifetime is how long Katana's cookies last, 14 days if zero.
	KatanaLifetime time.Duration
	// KatanaSecure marks Katana's cookies as secure; those of the other kinds
	// follow the web.config.
	KatanaSecure bool
}

// Node starts a node and waits until it answers.
func (d *Dotnet) Node(t testing.TB, o NodeOptions) *Node {
	t.Helper()
	if o.Name == "" {
		o.Name = "dotnet"
	}
	if o.Port == 0 {
		o.Port = FreePort(t)
	}
	args := []string{"serve", "-config", o.Config, "-port", strconv.Itoa(o.Port), "-name", o.Name}
	if o.KatanaType != "" {
		args = append(args, "-owin-type", o.KatanaType)
	}
	if o.KatanaLifetime > 0 {
		args = append(args, "-owin-lifetime", timeSpan(o.KatanaLifetime))
	}
	if o.KatanaSecure {
		args = append(args, "-owin-secure")
	}
	return startNode(t, o.Name, d.Command(append(args, "-until-eof")...), o.Port)
}

// timeSpan is the text of a .NET TimeSpan, to the second.
func timeSpan(d time.Duration) string {
	s := int(d / time.Second)
	return fmt.Sprintf("%d.%02d:%02d:%02d", s/86400, s/3600%24, s/60%60, s%60)
}
