package main

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// keysOutput is the output of keys with -json.
type keysOutput struct {
	Source          string
	ApplicationName string
	Protects        string
	Made            string
	Keys            []struct {
		ID, State                   string
		Created, Activated, Expires time.Time
		Revoked                     bool
		Algorithm, Decryptor, Error string
		Certificate                 *struct {
			Subject, SerialNumber string
			AtHand                bool
		}
	}
	Warnings []struct{ Code, Text string }
}

func (o *keysOutput) codes() (list []string) {
	for _, w := range o.Warnings {
		list = append(list, w.Code)
	}
	return list
}

// listKeys runs keys with -json.
func listKeys(t testing.TB, code int, args ...string) (o keysOutput) {
	t.Helper()
	tool(t, "", append([]string{"keys", "-json"}, args...)...).want(t, code).decode(t, &o)
	return o
}

// ringFolder makes a folder of keys.
func ringFolder(t testing.TB, elements ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.Mkdir("keys", 0o700); err != nil {
		t.Fatal(err)
	}
	for i, xml := range elements {
		writeFile(t, filepath.Join("keys", fmt.Sprintf("%d.xml", i)), xml)
	}
}

// keyWith returns the nth key of a ring, with days from now on which it was made and on which it
// begins and ends to protect.
func keyWith(n, created, begins, ends int) string {
	now := time.Now()
	date := func(days int) string { return now.AddDate(0, 0, days).UTC().Format(time.RFC3339) }
	xml := testkit.CoreKey(n, now, bytes.Repeat([]byte{7}, 64))
	for name, at := range map[string]string{"creationDate": date(created),
		"activationDate": date(begins), "expirationDate": date(ends)} {
		xml = regexp.MustCompile("(<"+name+">)[^<]*").ReplaceAllString(xml, "${1}"+at)
	}
	return xml
}

// TestKeysStates has a key in every state.
func TestKeysStates(t *testing.T) {
	dpapi := strings.NewReplacer("<masterKey>",
		`<encryptedSecret decryptorType="Microsoft.AspNetCore.DataProtection.XmlEncryption.DpapiXmlDecryptor, X" `+
			`xmlns="http://schemas.asp.net/2015/03/dataProtection"><encryptedKey xmlns="">`,
		"</masterKey>", "</encryptedKey></encryptedSecret>")
	ringFolder(t, keyWith(1, -200, -200, -110), keyWith(2, -100, -60, 50), keyWith(3, -50, -40, 30),
		keyWith(4, -1, 30, 90), keyWith(5, -100, -70, 50), dpapi.Replace(keyWith(6, -100, -80, 90)),
		`<revocation><key id="76692db8-b9c3-446a-937e-c7c07fda25a5"/></revocation>`,
		strings.Replace(keyWith(7, 0, 0, 90), ` id="`, ` id="x`, 1))
	o := listKeys(t, exitOK, "list", "-keys", "keys")
	var got []string
	for _, k := range o.Keys {
		got = append(got, strings.TrimSpace(k.ID[max(0, len(k.ID)-1):]+" "+k.State+" "+k.Decryptor))
	}
	want := []string{"unreadable", "1 expired", "6 unreadable DpapiXmlDecryptor", "5 revoked",
		"2 older", "3 protecting", "4 next"}
	if !slices.Equal(got, want) || !strings.HasSuffix(o.Protects, "a3") || o.Source != "keys" {
		t.Errorf("%q, want %q; %s of %s", got, want, o.Protects, o.Source)
	}
	if codes := o.codes(); !slices.Equal(codes, []string{"one_machine", "unreadable_key"}) {
		t.Errorf("warnings %q", codes)
	}
	text := tool(t, "", "keys", "list", "-keys", "keys").want(t, exitOK).out
	for _, part := range []string{"7 keys, 2 warnings", "  protects from  ",
		"at rest        encrypted, for DpapiXmlDecryptor", "Key without an id", "the id is no GUID"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %s", part, text)
		}
	}
}

// TestKeysFallback has no command call a key in force that is not.
func TestKeysFallback(t *testing.T) {
	ringFolder(t, keyWith(1, 0, 2, 90))
	o := listKeys(t, exitRefused, "list", "-keys", "keys")
	if o.Keys[0].State != "fallback" || !slices.Equal(o.codes(), []string{"no_key"}) {
		t.Errorf("%+v", o)
	}
	text := unfolded(tool(t, "", "check", "-keys", "keys").want(t, exitRefused).out)
	if strings.Contains(text, "protecting") || !strings.Contains(text, "1 key, none is in force; "+
		"nodes that make no keys protect with "+o.Keys[0].ID) {
		t.Error(text)
	}
}

// TestKeysWarnings has rings that hurt their farms, and the same ones mended.
func TestKeysWarnings(t *testing.T) {
	encrypted := encryptedRing(t).Elements[0]
	for _, tt := range []struct {
		name     string
		elements []string
		file     os.FileMode
		folder   os.FileMode
		want     []string
	}{
		{"good", []string{keyWith(1, -9, -9, 4)}, 0o600, 0o700, nil},
		{"no key", nil, 0o600, 0o700, []string{"no_key"}},
		{"an expired key", []string{keyWith(1, -9, -9, -1)}, 0o600, 0o700, []string{"no_key"}},
		{"no successor", []string{keyWith(1, -9, -9, 2)}, 0o600, 0o700, []string{"no_successor"}},
		{"a late successor", []string{keyWith(1, -9, -9, 1), keyWith(2, -9, 2, 90)}, 0o600, 0o700,
			[]string{"no_successor"}},
		{"a short successor", []string{keyWith(1, -9, -9, 1), keyWith(2, -9, 1, 2)}, 0o600, 0o700,
			[]string{"no_successor"}},
		{"a successor", []string{keyWith(1, -9, -9, 1), keyWith(2, -9, 1, 90)}, 0o600, 0o700, nil},
		{"readable", []string{keyWith(1, -9, -9, 9)}, 0o644, 0o755, []string{"readable"}},
		{"readable by the group", []string{keyWith(1, -9, -9, 9)}, 0o640, 0o755, nil},
		{"in a closed folder", []string{keyWith(1, -9, -9, 9)}, 0o644, 0o700, nil},
		{"no certificate", []string{encrypted}, 0o644, 0o755, []string{"certificate_missing", "no_key"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if slices.Contains(tt.want, "readable") && runtime.GOOS == "windows" {
				t.Skip("no permission bits on Windows")
			}
			ringFolder(t, tt.elements...)
			for i := range tt.elements {
				if err := os.Chmod(filepath.Join("keys", fmt.Sprintf("%d.xml", i)),
					tt.file); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod("keys", tt.folder); err != nil {
				t.Fatal(err)
			}
			code := exitOK
			if slices.Contains(tt.want, "no_key") {
				code = exitRefused
			}
			o := listKeys(t, code, "list", "-keys", "keys")
			if !slices.Equal(o.codes(), tt.want) || (len(tt.want) > 0) != (len(o.Warnings) > 0) {
				t.Errorf("%q, want %q", o.Warnings, tt.want)
			}
			for _, w := range o.Warnings {
				if w.Code == "no_key" && strings.Contains(w.Text,
					"opened here") != (tt.name == "no certificate") {
					t.Errorf("no_key says %q", w.Text)
				}
			}
			checked := tool(t, "", "check", "-json", "-keys", "keys").out
			for _, code := range tt.want {
				if !strings.Contains(checked, `"`+code+`"`) {
					t.Errorf("check does not warn of %s: %s", code, checked)
				}
			}
		})
	}
}

// TestKeysCertificate makes a key for a certificate in a PFX file.
func TestKeysCertificate(t *testing.T) {
	recorded := encryptedRing(t)
	ringFolder(t)
	pfx, err := base64.StdEncoding.DecodeString(recorded.Certificates[0].PFXBase64)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, "ring.pfx", string(pfx))
	t.Setenv(certificatePassword, recorded.Certificates[0].PFXPassword)
	with := []string{"-keys", "keys", "-certificate", "ring.pfx"}
	o := listKeys(t, exitOK, append(with, "new", "-if-needed")...)
	if len(o.Keys) != 1 || o.Made == "" || o.Keys[0].ID != o.Made || len(o.Warnings) != 0 {
		t.Fatalf("%+v", o)
	}
	k := o.Keys[0]
	if k.State != "protecting" || k.Decryptor != "EncryptedXmlDecryptor" || k.Certificate == nil ||
		!k.Certificate.AtHand || k.Certificate.Subject != "CN=ring 2048" {
		t.Errorf("%+v", k)
	}
	text := unfolded(tool(t, "", append([]string{"keys", "list"}, with...)...).want(t, exitOK).out)
	if !strings.Contains(text,
		`encrypted for the certificate "CN=ring 2048" with serial number `) ||
		!strings.Contains(text, "which is at hand") {
		t.Error(text)
	}
	o = listKeys(t, exitRefused, "list", "-keys", "keys")
	if k := o.Keys[0]; k.State != "unreadable" || k.Certificate.AtHand ||
		!strings.Contains(k.Error, "CN=ring") {
		t.Errorf("without the certificate: %+v", k)
	}
	const why = ", and no certificate was given; give it with -certificate"
	text = tool(t, "", "check", "-keys", "keys").want(t, exitRefused).out
	if !strings.Contains(text, k.ID+"  unreadable\n  dataprotection: key-"+k.ID+".xml: key\n") ||
		!strings.Contains(unfolded(text), "no private key for it: encrypted for") ||
		!strings.Contains(unfolded(text), why) {
		t.Error(text)
	}
	if r := tool(t, "", "issue", "-keys", "keys", "-name", "zoe").want(t, exitRefused); !strings.Contains(
		r.err, "key "+k.ID+" cannot be used here: no private key for it") ||
		!strings.Contains(r.err, why) {
		t.Error(r.err)
	}
	for _, args := range [][]string{{"new", "-if-needed"}, {"new"}} {
		r := tool(t, "", append([]string{"keys", "-keys", "keys"}, args...)...).want(t, exitRefused)
		if r.out != "" || !strings.Contains(r.err, "webfarm keys: dataprotection: ") {
			t.Errorf("%q: %s%s", args, r.out, r.err)
		}
	}
	if files, _ := filepath.Glob("keys/*"); len(files) != 1 {
		t.Errorf("%q", files)
	}
}

// TestKeysSecret wants nothing that keys prints to hold a key.
func TestKeysSecret(t *testing.T) {
	ringFolder(t)
	var printed string
	for _, args := range [][]string{{"new"}, {"new", "-activate", "0s", "-json"},
		{"new", "-activate", "1d"}, {"list"}, {"list", "-json"}, {"revoke", "-all"}} {
		r := tool(t, "", append([]string{"keys", "-keys", "keys"}, args...)...).want(t, exitOK)
		printed += r.out + r.err
	}
	files, err := filepath.Glob("keys/key-*.xml")
	if err != nil || len(files) != 3 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		value := regexp.MustCompile(`<value>(.{20})`).FindSubmatch(text)
		if value == nil || strings.Contains(printed, string(value[1])) {
			t.Errorf("%s: %q is printed", file, value)
		}
	}
}

func TestKeysUsage(t *testing.T) {
	ringFolder(t)
	writeFile(t, "ring.xml", "<repository/>")
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-keys", "keys"}, exitUsage, "list, new or revoke"},
		{[]string{"delete", "-keys", "keys"}, exitUsage, "list, new or revoke"},
		{[]string{"list"}, exitUsage, "-keys is missing"},
		{[]string{"list", "-keys", "none"}, exitUsage, "no such file"},
		{[]string{"list", "x", "-keys", "keys"}, exitUsage, `unexpected argument "x"`},
		{[]string{"list", "-keys", "keys", "-all"}, exitUsage, "-all goes with revoke"},
		{[]string{"revoke", "-keys", "keys"}, exitUsage, "or -all"},
		{[]string{"revoke", "x", "-all", "-keys", "keys"}, exitUsage, `unexpected argument "x"`},
		{[]string{"revoke", "-all", "-if-needed", "-keys", "keys"}, exitUsage, "-if-needed goes with new"},
		{[]string{"new", "-ahead", "3d", "-keys", "keys"}, exitUsage, "-ahead goes with -if-needed"},
		{[]string{"new", "-if-needed", "-activate", "3d", "-keys", "keys"}, exitUsage, "-activate does not go"},
		{[]string{"new", "-if-needed", "-ahead", "90d", "-keys", "keys"}, exitUsage, "-ahead must be less"},
		{[]string{"new", "-if-needed", "-ahead", "-1h", "-keys", "keys"}, exitUsage, "such as 14d"},
		{[]string{"new", "-lifetime", "99999d", "-keys", "keys"}, exitUsage, "such as 14d"},
		{[]string{"new", "-lifetime", "1d", "-activate", "1d", "-keys", "keys"}, exitRefused,
			"would never protect"},
		{[]string{"new", "-keys", "ring.xml"}, exitRefused, "use a folder"},
		{[]string{"revoke", "x", "-keys", "keys"}, exitRefused, "the ring has no key"},
	} {
		r := tool(t, "", append([]string{"keys"}, tt.args...)...)
		if r.code != tt.code || r.out != "" || !strings.Contains(r.err, tt.want) {
			t.Errorf("%q: %d %s%s", tt.args, r.code, r.out, r.err)
		}
	}
	if files, _ := filepath.Glob("keys/*"); len(files) != 0 {
		t.Errorf("%q", files)
	}
}

// tenKeepers has ten timers that go off at once, and returns how many made a key. All nodes then
// take the same one.
func tenKeepers(t *testing.T, keys string) int {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var made atomic.Int32
	for range 10 {
		wg.Go(func() {
			c := exec.CommandContext(t.Context(), self, "keys", "new", "-if-needed", "-ahead",
				"14d", "-keys", keys)
			c.Env = append(os.Environ(), asTool+"=1")
			out, err := c.CombinedOutput()
			switch {
			case err != nil:
				t.Errorf("%v: %s", err, out)
			case strings.HasPrefix(string(out), "Made "):
				made.Add(1)
			}
		})
	}
	wg.Wait()
	o := listKeys(t, exitOK, "list", "-keys", keys)
	t.Logf("ten keepers at once left %d keys", len(o.Keys))
	if len(o.Keys) != int(made.Load()) || o.Protects == "" {
		t.Errorf("%d keys, %d made", len(o.Keys), made.Load())
	}
	if r := tool(t, "", "keys", "new", "-if-needed", "-keys", keys).want(t,
		exitOK); r.out != "No key is needed.\n" {
		t.Error(r.out)
	}
	revoked := listKeys(t, exitOK, "revoke", "-all", "-keys", keys)
	for _, k := range revoked.Keys {
		if k.State != "revoked" {
			t.Errorf("%+v", k)
		}
	}
	return len(o.Keys)
}

func TestTenKeepersFolder(t *testing.T) {
	ringFolder(t)
	if n := tenKeepers(t, "keys"); n < 1 || n > 10 {
		t.Errorf("%d keys", n)
	}
}

func TestTenKeepersRedis(t *testing.T) {
	server := farmtest.StartRedis(t)
	if n := tenKeepers(t, "redis://"+server.Addr); n != 1 {
		t.Errorf("%d keys", n)
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer client.Close()
	list, err := client.LRange(t.Context(), "DataProtection-Keys", 0, -1).Result()
	if err != nil || len(list) != 2 || strings.Contains(list[0], "\n") ||
		!strings.HasPrefix(list[1], `<revocation version="1"><revocationDate>`) {
		t.Errorf("%q, %v", list, err)
	}
}

func TestTenKeepersPostgres(t *testing.T) {
	url, db := startPostgres(t)
	if n := tenKeepers(t, url); n != 1 {
		t.Errorf("%d keys", n)
	}
	var names string
	err := db.QueryRowContext(t.Context(),
		`SELECT string_agg("FriendlyName", ' ' ORDER BY "Id") FROM "DataProtectionKeys"`).Scan(&names)
	if err != nil ||
		!regexp.MustCompile(`^key-[-0-9a-f]{36} revocation-\d{8}T\d+Z$`).MatchString(names) {
		t.Errorf("%q, %v", names, err)
	}
}

func TestTenKeepersSQLite(t *testing.T) {
	t.Chdir(t.TempDir())
	db, err := sql.Open("sqlite", "file:farm.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	table := strings.Replace(keyTable, "GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
		"PRIMARY KEY AUTOINCREMENT", 1)
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE "DataProtectionKeys" `+
		table); err != nil {
		t.Fatal(err)
	}
	if n := tenKeepers(t, "sqlite:farm.db"); n != 1 {
		t.Errorf("%d keys", n)
	}
}
