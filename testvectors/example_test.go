package testvectors_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/webfarm-go/webfarm/testvectors"
)

// A test that needs vectors declares the keys it looks at and no others.
func ExampleRead() {
	data, err := testvectors.Read("kdf.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	var file struct {
		Vectors []struct{ Name, MasterKey, Derived string }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		fmt.Println(err)
		return
	}
	v := file.Vectors[0]
	fmt.Printf("%s: %s becomes %s\n", v.Name, v.MasterKey, v.Derived)
	// Output: kdf-master-8-bytes: 9bd1c55642cf265d becomes b28ae7f93b0e7347
}

func TestReadUnknown(t *testing.T) {
	for _, name := range []string{"", "no.json", "kdf.json.gz", "../go.mod"} {
		if data, err := testvectors.Read(name); err == nil || data != nil {
			t.Errorf("%q: %d bytes, %v", name, len(data), err)
		}
	}
}
