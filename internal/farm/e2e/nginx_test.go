package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/webfarm-go/webfarm/internal/farm"
)

// nginxConfig is the balancer. The argument node picks a node, or with "go" one
// of those in Go; without it all take turns. What a node did not answer because
// it is gone, another does; it is asked again all the same, so that it has its
// share as soon as it is back.
var nginxConfig = template.Must(template.New("nginx.conf").Parse(`daemon off;
worker_processes 1;
pid {{.Dir}}/nginx.pid;
error_log stderr crit;
{{if .Root}}user root;{{end}}
events { worker_connections 1024; }
http {
	log_format farm '$status $uri $upstream_addr $upstream_status';
	access_log {{.Dir}}/access.log farm;
	client_body_temp_path {{.Dir}}/body;
	proxy_temp_path {{.Dir}}/proxy;
	fastcgi_temp_path {{.Dir}}/fastcgi;
	uwsgi_temp_path {{.Dir}}/uwsgi;
	scgi_temp_path {{.Dir}}/scgi;

	# Six chunks of 2000 characters, and their Set-Cookie lines.
	large_client_header_buffers 4 32k;
	proxy_buffer_size 32k;
	proxy_buffers 4 32k;

	upstream farm {
		{{- range .Nodes}}
		server 127.0.0.1:{{.Port}} max_fails=0;
		{{- end}}
	}
	upstream go {
		{{- range .Nodes}}{{if .IsGo}}
		server 127.0.0.1:{{.Port}} max_fails=0;
		{{- end}}{{end}}
	}
	{{- range .Nodes}}
	upstream {{.Name}} { server 127.0.0.1:{{.Port}}; }
	{{- end}}
	map $arg_node $pool {
		default farm;
		go go;
		{{- range .Nodes}}
		{{.Name}} {{.Name}};
		{{- end}}
	}
	server {
		listen 127.0.0.1:{{.Port}} ssl;
		ssl_certificate {{.Dir}}/cert.pem;
		ssl_certificate_key {{.Dir}}/key.pem;
		proxy_set_header Host $http_host;
		proxy_set_header X-Forwarded-Proto https;
		location / {
			proxy_pass http://$pool;
			proxy_connect_timeout 2s;
			proxy_next_upstream error timeout;
		}
		{{.More}}
	}
}
`))

// nginx is a running balancer.
type nginx struct {
	*farm.Process
	dir   string
	url   string         // https://localhost:port
	roots *x509.CertPool // that has its certificate
}

// startNginx starts a balancer in front of the nodes. More are further
// locations.
func startNginx(t *testing.T, nodes []*member, more string) *nginx {
	t.Helper()
	farm.Need(t, "apt-get install --no-install-recommends nginx-light", "nginx")
	n := &nginx{dir: t.TempDir()}
	n.certify(t)
	port := freePort(t)
	n.url = fmt.Sprint("https://localhost:", port)
	var text bytes.Buffer
	if err := nginxConfig.Execute(&text, map[string]any{
		"Dir": n.dir, "Root": os.Getuid() == 0, "Port": port, "Nodes": nodes, "More": more,
	}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(n.dir, "nginx.conf")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	n.Process = farm.Start(t, "nginx", exec.Command("nginx", "-p", n.dir, "-e",
		"stderr", "-c", path))
	n.waitListening(t, port)
	return n
}

// waitListening waits for a port, as what nginx answers there depends on the
// nodes.
func (n *nginx) waitListening(t *testing.T, port int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		select {
		case <-n.Done():
			t.Fatalf("nginx has ended:\n%s", n.Log())
		default:
		}
		if c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			c.Close()
			return
		}
	}
	t.Fatalf("nginx does not listen:\n%s", n.Log())
}

// reload has nginx read its settings again: new workers take the connections,
// the old ones finish what they have.
func (n *nginx) reload(t *testing.T) {
	t.Helper()
	if err := n.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// tries returns the number of requests in the log, and of those that nginx
// tried at more than one node.
func (n *nginx) tries(t *testing.T) (requests, retried int) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(n.dir, "access.log"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		requests++
		if strings.Contains(line, ", ") {
			retried++
		}
	}
	return requests, retried
}

// certify makes a certificate for localhost.
func (n *nginx) certify(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	n.roots = x509.NewCertPool()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	n.roots.AppendCertsFromPEM(text)
	for name, data := range map[string][]byte{"cert.pem": text,
		"key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(filepath.Join(n.dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
