package main

import (
	"bytes"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestFormsRolesSplit(t *testing.T) {
	for _, tt := range []struct {
		separator, userData string
		want                []string
	}{
		{",", "admin,sales", []string{"admin", "sales"}},
		{",", " admin , ,sales staff,, ", []string{"admin", "sales staff"}},
		{"|", "admin,sales", []string{"admin,sales"}},
		{"||", "a||b|c", []string{"a", "b|c"}},
		{" ", "a  b", []string{"a", "b"}},
		{",", "", nil},
		{",", " , ", nil},
	} {
		var f formsRoles
		if err := f.set(tt.separator); err != nil {
			t.Fatal(err)
		}
		if got := f.reader()(tt.userData); !slices.Equal(got, tt.want) {
			t.Errorf("%q in parts of %q: %q, want %q", tt.userData, tt.separator, got, tt.want)
		}
	}
	if formsRoles("").reader() != nil {
		t.Error("without the flag there are roles")
	}
}

// The roles of a forms ticket reach the service, and decide who is let through.
func TestServeFormsRoles(t *testing.T) {
	formsConfig(t, `timeout="30"`)
	s := startServe(t, "-forms-roles", "|")
	header := issuedHeader(t, "-name", "bob", "-kind", "forms", "-user-data", "Sales | Café,Bar||")
	resp, _ := s.get(s.public+"/auth", "Cookie", header)
	if got := resp.Header.Get("X-Webfarm-Roles"); resp.StatusCode != http.StatusOK ||
		got != "Sales,Caf%C3%A9%2CBar" {
		t.Errorf("%s, roles %q", resp.Status, got)
	}
	if resp, _ := s.get(s.public+"/auth?role=Sales", "Cookie",
		header); resp.StatusCode != http.StatusOK {
		t.Errorf("with the role: %s", resp.Status)
	}
	if resp, _ := s.get(s.public+"/auth?role=Staff", "Cookie",
		header); resp.StatusCode != http.StatusForbidden {
		t.Errorf("without the role: %s", resp.Status)
	}
	if _, page := s.get(s.public+"/inspect", "Cookie", header); strings.Count(page,
		">Role<") != 2 || !strings.Contains(page, "Café,Bar") {
		t.Error("the page does not show the roles")
	}
}

func TestInspectFormsRoles(t *testing.T) {
	formsConfig(t, "")
	header := issuedHeader(t, "-name", "bob", "-kind", "forms", "-user-data", "Sales, Staff")
	var seen inspectReport
	tool(t, "", "inspect", "-config", "web.config", "-json", "-forms-roles", ",", header).want(t,
		exitOK).decode(t, &seen)
	if got := seen.Credentials[0].Forms.Roles; !slices.Equal(got, []string{"Sales", "Staff"}) {
		t.Errorf("roles %q", got)
	}
	if r := tool(t, "", "inspect", "-config", "web.config", "-forms-roles", ",", header).want(t,
		exitOK); !strings.Contains(r.out, "role          Staff") {
		t.Errorf("the roles are not shown:\n%s", r.out)
	}
	if r := tool(t, "", "inspect", "-config", "web.config", header).want(t,
		exitOK); strings.Contains(r.out, "\n  role ") {
		t.Error("roles without the flag")
	}
	tool(t, "", "inspect", "-config", "web.config", "-forms-roles", "", header).want(t, exitUsage)
}

// formsConfig writes the web.config of a site with forms authentication.
func formsConfig(t testing.TB, attributes string) {
	t.Helper()
	freshConfig(t)
	text, err := os.ReadFile("web.config")
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("</system.web>"),
		[]byte(`<authentication mode="Forms"><forms `+attributes+
			`/></authentication></system.web>`), 1)
	writeFile(t, "web.config", string(text))
}
