package flate_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/flate"
)

func Example() {
	uri := "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name "
	packed := flate.Deflate(nil, []byte(strings.Repeat(uri, 10)))

	plain, err := flate.Inflate(nil, packed, 1<<20)
	fmt.Println(len(plain), err)

	_, err = flate.Inflate(nil, packed, 100)
	fmt.Println(errors.Is(err, flate.ErrTooLarge))
	// Output:
	// 590 <nil>
	// true
}
