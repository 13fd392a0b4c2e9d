package docs_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// groupClaim is the claim type under which Entra ID puts the ids of groups.
const groupClaim = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"

// userWith returns a user with a name and n claims: short names of roles, or
// ids of groups, which are random and shrink least.
func userWith(n int, groups bool) *sessiontoken.Principal {
	id := sessiontoken.Identity{AuthenticationType: "Federation", Claims: []sessiontoken.Claim{
		{Type: sessiontoken.ClaimTypeName, Value: "ann.example@corp.example"},
	}}
	for i := range n {
		h := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		claim := sessiontoken.Claim{Type: sessiontoken.ClaimTypeRole, Value: fmt.Sprintf("Region %d Sales", binary.BigEndian.Uint16(h[:])%1000)}
		if groups {
			claim = sessiontoken.Claim{Type: groupClaim, Value: fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])}
		}
		id.Claims = append(id.Claims, claim)
	}
	return &sessiontoken.Principal{Identities: []sessiontoken.Identity{id}}
}

// TestSizesInLimits measures the FedAuth cookies of users with n claims and
// compares them with the table in docs/limits.md: the number of cookies
// exactly, the bytes of the header to 3 %, as ids and times differ.
func TestSizesInLimits(t *testing.T) {
	site, err := cookie.LoadSite(farmtest.FreshSite(), &cookie.SiteOptions{Sessions: cookie.SessionsOptions{MaxBytes: 128 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| ([0-9]+) \| ([0-9]+) \| ([0-9]+) \| ([0-9]+) \| ([0-9]+) \|$`).FindAllStringSubmatch(string(data), -1)
	if len(rows) < 6 {
		t.Fatalf("%d rows in the table", len(rows))
	}
	measured := ""
	for _, row := range rows {
		n, _ := strconv.Atoi(row[1])
		line := fmt.Sprintf("| %d |", n)
		for column, groups := range []bool{false, true} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/", nil)
			if err := site.Sessions().SignIn(w, r, userWith(n, groups), nil); err != nil {
				t.Fatal(err)
			}
			set := slices.DeleteFunc(w.Result().Cookies(),
				func(c *http.Cookie) bool { return c.MaxAge < 0 })
			for _, c := range set {
				r.AddCookie(c)
			}
			size := len(r.Header.Get("Cookie"))
			line += fmt.Sprintf(" %d | %d |", size, len(set))
			wantSize, _ := strconv.Atoi(row[2+2*column])
			if len(set) != atoi(t, row[3+2*column]) || size < wantSize*97/100 || size > wantSize*103/100 {
				t.Errorf("%d claims, groups %t: %d bytes in %d cookies; the document says %s", n, groups, size, len(set), row[0])
			}
			if user, err := site.Check(r); err != nil || user.Name() != "ann.example@corp.example" {
				t.Errorf("%d claims: %v", n, err)
			}
		}
		measured += line + "\n"
	}
	t.Log("\n" + measured)
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLimitsInDocument compares the limits of our own that docs/limits.md
// states with the code.
func TestLimitsInDocument(t *testing.T) {
	data, err := os.ReadFile("docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]int{
		"one cookie":                          chunks.MaxCookieSize,
		"large session":                       chunks.WarnBytes,
		"`SessionsOptions.MaxBytes`":          chunks.DefaultMaxBytes,
		"chunk of WIF":                        chunks.DefaultChunkSize,
		"chunk of Katana":                     chunks.DefaultKatanaSize,
		"chunks":                              chunks.MaxChunks,
		"text":                                chunks.MaxLength,
		"`net/http`, `DefaultMaxHeaderBytes`": http.DefaultMaxHeaderBytes,
	} {
		if want := fmt.Sprintf("| %s | %d |", name, value); !strings.Contains(string(data), want) {
			t.Errorf("no row begins %q", want)
		}
	}
	gateway, err := os.ReadFile("cmd/webfarm/serve.go")
	if err != nil {
		t.Fatal(err)
	}
	flag := regexp.MustCompile(`"max-header-bytes", ([0-9]+)<<10`).FindSubmatch(gateway)
	if flag == nil {
		t.Fatal("serve has no such flag")
	}
	if want := fmt.Sprintf("| `webfarm serve -max-header-bytes` | %d |", atoi(t, string(flag[1]))<<10); !strings.Contains(string(data), want) {
		t.Errorf("no row begins %q", want)
	}
	const idle = "| `webfarm serve -body-idle` | 1m |"
	if !strings.Contains(string(data), idle) || !strings.Contains(string(gateway), `"body-idle", time.Minute`) {
		t.Errorf("no row begins %q, or the flag has another default", idle)
	}
}

// TestTooLargeIsRefusedBeforeItIsWritten holds what docs/limits.md says of
// SignIn, and that a forms ticket stops where .NET would not read it.
func TestTooLargeIsRefusedBeforeItIsWritten(t *testing.T) {
	site, err := cookie.LoadSite(farmtest.FreshSite(), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	err = site.Sessions().SignIn(w, httptest.NewRequest("GET", "/", nil), userWith(1500, true), nil)
	if !errors.Is(err, cookie.ErrTooLong) || !strings.Contains(err.Error(), "the limit is 15360;") || len(w.Header()) != 0 {
		t.Errorf("%v, %d header lines", err, len(w.Header()))
	}
	forms, err := sessiontoken.NewFormsCodec(site.Ring(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := forms.Encode(t.Context(), forms.NewTicket("ann", strings.Repeat("x", 1000))); !errors.Is(err, layer.ErrTooLong) {
		t.Errorf("forms ticket with 1000 characters: %v", err)
	}
}

// TestOtherCredentialsAreShorter holds the sentence on them in docs/limits.md.
func TestOtherCredentialsAreShorter(t *testing.T) {
	ring, err := machinekey.LoadRing(farmtest.FreshSite())
	if err != nil {
		t.Fatal(err)
	}
	forms, err := sessiontoken.NewFormsCodec(ring, nil)
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := forms.Encode(t.Context(), forms.NewTicket("ann", ""))
	if err != nil || len(ticket) < 150 || len(ticket) > 300 {
		t.Errorf("forms ticket: %d characters, %v", len(ticket), err)
	}
	fed, err := sessiontoken.NewSessionCodec(ring, nil)
	if err != nil {
		t.Fatal(err)
	}
	katana, err := sessiontoken.NewKatanaCodec(ring, sessiontoken.Cookie("ApplicationCookie"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, groups := range []bool{false, true} {
		user := userWith(100, groups)
		token, err := fed.NewToken(*user)
		if err != nil {
			t.Fatal(err)
		}
		long, err := fed.Encode(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		short, err := katana.Encode(t.Context(), katana.NewTicket(user.Identities[0], nil))
		if err != nil || len(short) > len(long)*2/3 {
			t.Errorf("groups %t: Katana %d, FedAuth %d, %v", groups, len(short), len(long), err)
		}
	}
}

// keptClaims is the snippet of docs/limits.md about fewer claims.
func keptClaims(user *sessiontoken.Principal, keep func(claimType string) bool) *sessiontoken.Principal {
	small := &sessiontoken.Principal{}
	for _, id := range user.Identities {
		var kept []sessiontoken.Claim
		for _, claim := range id.Claims {
			if keep(claim.Type) {
				kept = append(kept, claim)
			}
		}
		id.Claims = kept
		small.Identities = append(small.Identities, id)
	}
	return small
}

// referenceMode is the snippet of docs/limits.md about reference mode.
func referenceMode(w http.ResponseWriter, r *http.Request, webConfig string, store sessiontoken.Store, user *sessiontoken.Principal) error {
	site, err := cookie.LoadSite(webConfig, &cookie.SiteOptions{Sessions: cookie.SessionsOptions{Store: store}})
	if err != nil {
		return err
	}
	return site.Sessions().SignIn(w, r, user, &cookie.SignInOptions{Reference: true})
}

func TestShrinking(t *testing.T) {
	path := farmtest.FreshSite()
	site, err := cookie.LoadSite(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	size := func(w *httptest.ResponseRecorder) (n int) {
		for _, c := range w.Result().Cookies() {
			n += len(c.Name) + 1 + len(c.Value) + 2
		}
		return n
	}
	user := userWith(200, true)
	small := keptClaims(user, func(claimType string) bool { return claimType != groupClaim })
	w := httptest.NewRecorder()
	if err := site.Sessions().SignIn(w, httptest.NewRequest("GET", "/", nil), small, nil); err != nil || size(w) > 2000 {
		t.Errorf("without the groups: %d bytes, %v", size(w), err)
	}
	w = httptest.NewRecorder()
	store := sessiontoken.NewMemoryStore(nil)
	if err := referenceMode(w, httptest.NewRequest("GET", "/", nil), path, store, user); err != nil || size(w) != 542 {
		t.Errorf("in reference mode: %d bytes, %v; the document says 542", size(w), err)
	}
}

// TestNginxDefaults holds what docs/limits.md says of nginx without settings:
// how long a Cookie header it takes, and how long a response header.
func TestNginxDefaults(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed")
	}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "a="+strings.Repeat("x", atoi(t, r.URL.Query().Get("set"))))
	}))
	defer backend.Close()
	addr := start(t, func(addr string) *exec.Cmd {
		dir := t.TempDir()
		put(t, dir, "nginx.conf", fmt.Sprintf(`daemon off; master_process off; pid pid; error_log stderr crit; events {}
			http { access_log off; client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
			server { listen %s; location / { proxy_pass %s; } } }`, addr, backend.URL))
		return exec.Command(nginx, "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))
	})
	status := func(cookies, set int) int {
		t.Helper()
		r, err := http.NewRequest("GET", fmt.Sprintf("http://%s/?set=%d", addr, set), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", "a="+strings.Repeat("x", cookies))
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, test := range []struct{ cookies, set, want int }{
		{8000, 0, 200}, // large_client_header_buffers 4 8k
		{8200, 0, 400},
		{10, 3500, 200}, // proxy_buffer_size 4k, a page of memory, or 8k
		{10, 8300, 502},
	} {
		if got := status(test.cookies, test.set); got != test.want {
			t.Errorf("%d bytes of cookies, %d of Set-Cookie: %d, want %d", test.cookies, test.set, got, test.want)
		}
	}
}
