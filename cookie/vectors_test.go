package cookie_test

import (
	"net/http"
	"strconv"

	"github.com/webfarm-go/webfarm/internal/testkit"
)

// pair is one cookie.
type pair = testkit.Cookie

// request returns a request with these lines of the header Cookie.
func request(lines ...string) *http.Request {
	return &http.Request{Header: http.Header{"Cookie": lines}}
}

// parts returns n chunks of FedAuth with one value.
func parts(n int, value string) []pair {
	var list []pair
	for i := range n {
		name := "FedAuth"
		if i > 0 {
			name += strconv.Itoa(i)
		}
		list = append(list, pair{Name: name, Value: value})
	}
	return list
}
