package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/farm"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/machinekey"
)

// webConfig is the file that all nodes read: FedAuth and forms. Katana's cookie
// is set up in code, on either side.
const webConfig = `<configuration>
  <configSections>
    <section name="system.identityModel" type="System.IdentityModel.Configuration.SystemIdentityModelSection, System.IdentityModel" />
    <section name="system.identityModel.services" type="System.IdentityModel.Services.Configuration.SystemIdentityModelServicesSection, System.IdentityModel.Services" />
  </configSections>
  <system.web>
    %s
    <httpRuntime targetFramework="4.8" />
    <authentication mode="Forms"><forms timeout="20" requireSSL="true" /></authentication>
  </system.web>
  <system.identityModel>
    <identityConfiguration>
      <securityTokenHandlers>
        <remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel" />
        <add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler, System.IdentityModel.Services" />
      </securityTokenHandlers>
    </identityConfiguration>
  </system.identityModel>
  <system.identityModel.services>
    <federationConfiguration><cookieHandler requireSsl="true" path="/" /></federationConfiguration>
  </system.identityModel.services>
</configuration>
`

// writeKey writes a web.config with a fresh key, and returns the id of the key.
func writeKey(t *testing.T, path string) string {
	t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, webConfig, cfg.WebConfig()), 0o600); err != nil {
		t.Fatal(err)
	}
	return key.ID()
}

// replace puts a copy of a file in the place of another, as a whole.
func replace(t *testing.T, path, by string) {
	t.Helper()
	data, err := os.ReadFile(by)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// member is a node of the farm, or the gateway, which a test may kill and start
// again.
type member struct {
	Name string
	Port int
	IsGo bool

	control int    // the port of /healthz and of what a test sets and asks
	key     string // the path that tells which key is written with
	start   func(*testing.T, *member) *farm.Process
	*farm.Process
}

// url is the address of the node itself, past nginx.
func (m *member) url() string { return fmt.Sprint("http://127.0.0.1:", m.control) }

// restart starts the node, after it was killed if it runs.
func (m *member) restart(t *testing.T) {
	t.Helper()
	if m.Process != nil {
		m.Kill()
	}
	m.Process = m.start(t, m)
	m.WaitReady(t, m.url()+"/healthz")
}

// get asks the node itself, past nginx.
func (m *member) get(t *testing.T, path string) string {
	t.Helper()
	r, err := http.Get(m.url() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", m.Name, r.Status, err)
	}
	return string(body)
}

// testFarm is a running farm.
type testFarm struct {
	*nginx
	// The nodes in Go and the one in C# have files of their own, with the same
	// in both, so that keys can be changed step by step.
	goConfig, dotnetConfig string
	next                   string // the path of a web.config to come, for the nodes in Go
	key                    string // the id of the first key
	redis                  *farmtest.Server
	nodes                  []*member // go1, go2, dotnet
	gateway                *member   // nil if it was not asked for
}

// startFarm starts a farm, with a key of its own.
func startFarm(t *testing.T) *testFarm {
	t.Helper()
	f := startNodes(t)
	f.nginx = startNginx(t, f.nodes, "")
	return f
}

// startNodes starts what stands behind nginx.
func startNodes(t *testing.T) *testFarm {
	t.Helper()
	farm.Need(t, "apt-get install --no-install-recommends nginx-light", "nginx")
	dotnet := farm.BuildDotnet(t)
	dir := t.TempDir()
	f := &testFarm{goConfig: filepath.Join(dir, "go.config"),
		dotnetConfig: filepath.Join(dir, "dotnet.config")}
	f.key = writeKey(t, f.goConfig)
	replace(t, f.dotnetConfig, f.goConfig)
	f.redis = farmtest.StartRedis(t)
	startGo := func(t *testing.T, m *member) *farm.Process {
		cmd := exec.Command(testBinary(t), "-name", m.Name, "-config", f.goConfig, "-port",
			strconv.Itoa(m.Port), "-redis", f.redis.Addr, "-next", f.next)
		cmd.Env = append(os.Environ(), asNode+"=1")
		var node *farm.Process
		t.Cleanup(func() { // after the end of the node
			if node != nil && strings.Contains(node.Log(), "DATA RACE") {
				t.Errorf("%s:\n%s", m.Name, node.Log())
			}
		})
		node = farm.Start(t, m.Name, cmd)
		return node
	}
	startDotnet := func(t *testing.T, m *member) *farm.Process {
		return dotnet.Node(t, farm.NodeOptions{Config: f.dotnetConfig, Name: m.Name, Port: m.Port,
			KatanaSecure: true}).Process
	}
	f.nodes = []*member{
		{Name: "go1", Port: freePort(t), IsGo: true, start: startGo},
		{Name: "go2", Port: freePort(t), IsGo: true, start: startGo},
		{Name: "dotnet", Port: freePort(t), start: startDotnet},
	}
	for _, m := range f.nodes {
		m.control = m.Port
		m.key = "/key"
		m.restart(t)
	}
	return f
}

// node returns the node of that name.
func (f *testFarm) node(name string) *member {
	for _, m := range f.nodes {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// readers returns the nodes that know a kind of session.
func (f *testFarm) readers(kind string) []*member {
	if kind == reference {
		return f.nodes[:2]
	}
	return f.nodes
}

// clock moves the clocks of all nodes by so many seconds.
func (f *testFarm) clock(t *testing.T, seconds int) {
	t.Helper()
	for _, m := range f.nodes {
		m.get(t, fmt.Sprint("/clock?offset=", seconds))
	}
}

func testBinary(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// freePort returns a port that nothing listens on, out of those that the system
// gives to nobody by itself: a node must find its port again after it was
// killed, while connections take others.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10000 + rand.IntN(20000)
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}
