package chunks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/webfarm-go/webfarm/internal/chunks"
)

// Sign-in: the new chunks, and the deletion of what a longer session left.
func ExampleScheme_Replace() {
	r := httptest.NewRequest("POST", "/signin", nil)
	r.Header.Set("Cookie", "FedAuth=x; FedAuth1=x; FedAuth2=x")
	w := httptest.NewRecorder()

	set, err := chunks.WIF.Split(&http.Cookie{
		Name: "FedAuth", Value: strings.Repeat("A", 2100), // text of a codec
		Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := chunks.WIF.Write(w, chunks.WIF.Replace(r, set, 0)); err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range w.Header()["Set-Cookie"] {
		fmt.Println(strings.Replace(line, strings.Repeat("A", 100), "A…", 1)[:20])
	}
	// Output:
	// FedAuth=A…AAAAAAAA
	// FedAuth1=A…; Path=
	// FedAuth2=; Path=/; E
}

// Sign-out: every chunk that the browser sent is deleted.
func ExampleScheme_Expire() {
	r := httptest.NewRequest("POST", "/signout", nil)
	r.Header.Set("Cookie", "theme=dark; FedAuth=x; FedAuth1=x")
	w := httptest.NewRecorder()

	template := &http.Cookie{Name: "FedAuth", Path: "/", Secure: true, HttpOnly: true}
	if err := chunks.WIF.Write(w, chunks.WIF.Expire(r, template)); err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range w.Header()["Set-Cookie"] {
		fmt.Println(line)
	}
	// Output:
	// FedAuth=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; Secure
	// FedAuth1=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; Secure
}

func ExampleScheme_Split() {
	set, err := chunks.WIF.Split(&http.Cookie{
		Name: "FedAuth", Value: strings.Repeat("A", 4500), Path: "/", Secure: true, HttpOnly: true,
	}, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range set {
		fmt.Println(c.Name, len(c.Value), c.Path, c.Secure)
	}
	// Output:
	// FedAuth 2000 / true
	// FedAuth1 2000 / true
	// FedAuth2 500 / true
}

func ExampleScheme_Inspect() {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "FedAuth=AAAA; FedAuth=BBBB; FedAuth2=CC")
	for _, problem := range chunks.WIF.Inspect(r, "FedAuth").Problems() {
		fmt.Println(problem)
	}
	// Output:
	// FedAuth is there 2 times with different values, as from two paths or domains; the first counts
	// FedAuth1 is missing, so FedAuth2 is not read
}

// A long ticket in the cookies of Katana.
func ExampleScheme_Split_katana() {
	set, err := chunks.Katana.Split(&http.Cookie{
		Name: ".AspNet.ApplicationCookie", Value: strings.Repeat("A", 9000), // text of a codec
		Path: "/", Secure: true, HttpOnly: true,
	}, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range set {
		fmt.Println(c.Name, len(c.Value), len(c.String()))
	}
	fmt.Println(set[0].Value)
	// Output:
	// .AspNet.ApplicationCookie 8 60
	// .AspNet.ApplicationCookieC1 4035 4089
	// .AspNet.ApplicationCookieC2 4035 4089
	// .AspNet.ApplicationCookieC3 930 984
	// chunks:3
}
