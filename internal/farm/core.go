package farm

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// Core is the program of testvectors/dotnetcore, published with the runtime of
// .NET in it. What it does is Microsoft's own code.
type Core struct{ exe string }

// coreVariable names the program where it is not in its place beside the
// checkout.
const coreVariable = "WEBFARM_CORENODE"

// FindCore skips the test where there is no such program. Nothing outside of
// tests knows of it.
func FindCore(t testing.TB) *Core {
	t.Helper()
	exe := os.Getenv(coreVariable)
	if exe == "" {
		exe = "../shared/dotnet10/corenode"
	}
	if !filepath.IsAbs(exe) {
		exe = filepath.Join(Root(t), exe)
	}
	if _, err := os.Stat(exe); err != nil {
		t.Skipf("no corenode: %v; publish testvectors/dotnetcore, and set %s", err, coreVariable)
	}
	return &Core{exe}
}

// Command returns the program with arguments, ready to be started. Dates
// without an offset are UTC to it, as they are to Go. Its memory is bounded: for
// a damaged ticket that claims to hold a billion things .NET takes memory for
// all of them.
func (c *Core) Command(args ...string) *exec.Cmd {
	cmd := exec.Command(c.exe, args...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8",
		"DOTNET_GCHeapHardLimit=30000000") // hexadecimal
	return cmd
}

// CoreNodeOptions are the settings of a node. All but Keys have a default.
type CoreNodeOptions struct {
	// Keys is the folder of the key ring.
	Keys string
	// App is the name of the application. Empty: .NET makes one of Dir.
	App string
	// Dir is the folder that the node runs in, that of the test if empty.
	Dir string
	// Name is what the node calls itself, "core" if empty.
	Name string
	// Port is where it listens. Zero: a free one.
	Port int
	// More are further arguments; testvectors/dotnetcore has the list.
	More []string
}

// Node starts a node and waits until it answers.
func (c *Core) Node(t testing.TB, o CoreNodeOptions) *Node {
	t.Helper()
	if o.Name == "" {
		o.Name = "core"
	}
	if o.Port == 0 {
		o.Port = FreePort(t)
	}
	args := []string{"serve", "-keys", o.Keys, "-port", strconv.Itoa(o.Port), "-name", o.Name,
		"-until-eof"}
	if o.App != "" {
		args = append(args, "-app", o.App)
	}
	cmd := c.Command(append(args, o.More...)...)
	cmd.Dir = o.Dir
	return startNode(t, o.Name, cmd, o.Port)
}

// CorePipe is the program answering requests, one after the other. It is for
// one goroutine at a time.
type CorePipe struct{ *lines }

// Pipe starts the program in its pipe mode.
func (c *Core) Pipe(t testing.TB) *CorePipe {
	t.Helper()
	return &CorePipe{startLines(t, "corenode", c.Command("pipe"))}
}

// CoreRequest is a request: "op" and what belongs to it.
type CoreRequest map[string]any

// CoreAnswer has what answers have, each some of it.
type CoreAnswer struct {
	Error      string // what failed, empty if all is well
	Keys       []CoreKey
	Default    string
	Fallback   string
	Generate   bool
	Element    string
	Protected  string // hexadecimal, as Plaintext and the serialized ones
	Plaintext  string
	WasRevoked bool
	Expires    string

	RequiresMigration        bool
	Serialized, Reserialized string
	Ticket                   json.RawMessage
	Text                     string
	ReadMicros, WriteMicros  float64
}

// CoreKey is what the program says of a key.
type CoreKey struct {
	ID, Creation, Activation, Expiration string
	Revoked, Usable                      bool
	Why                                  string
}

// Call sends requests and returns as many answers.
func (p *CorePipe) Call(requests ...CoreRequest) ([]CoreAnswer, error) {
	var send []byte
	for _, r := range requests {
		r["batch"] = true
		line, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("farm: %w", err)
		}
		send = append(append(send, line...), '\n')
	}
	send = append(send, "{\"op\":\"flush\"}\n"...)
	got, err := p.exchange(send, len(requests)+1)
	if err != nil {
		return nil, err
	}
	answers := make([]CoreAnswer, len(requests))
	for i := range answers {
		if err := json.Unmarshal(got[i], &answers[i]); err != nil {
			return nil, fmt.Errorf("farm: %w in %.200q", err, got[i])
		}
	}
	return answers, nil
}
