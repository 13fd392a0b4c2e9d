package machinekey_test

import (
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/webfarm-go/webfarm/machinekey"
)

// A Go service and a .NET node that calls
//
//	MachineKey.Protect(data, "Acme.Cart", "v1")
//
// share protected data. In earnest the configuration comes from the node's
// web.config.
func Example() {
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		log.Fatal(err)
	}
	purpose, err := machinekey.UserPurpose("Acme.Cart", "v1")
	if err != nil {
		log.Fatal(err)
	}
	cart, err := ring.Protector(purpose) // once, then for all requests
	if err != nil {
		log.Fatal(err)
	}

	protected, err := cart.Protect(nil, []byte("3 apples"))
	if err != nil {
		log.Fatal(err)
	}
	data, err := cart.Unprotect(nil, protected)
	fmt.Printf("%s, %v\n", data, err)

	protected[0] ^= 1
	_, err = cart.Unprotect(nil, protected)
	fmt.Println(errors.Is(err, machinekey.ErrUnprotect))
	// Output:
	// 3 apples, <nil>
	// true
}

// The element goes into the web.config of every .NET node. It holds the keys:
// whoever reads it can sign in as anybody.
func ExampleGenerate() {
	cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	element := cfg.WebConfig()
	fmt.Println(strings.HasPrefix(element, `<machineKey validationKey="`))
	fmt.Println(cfg) // a Config itself prints without its keys
	// Output:
	// true
	// machinekey.Config{validation=SHA1 (64-byte key) decryption=AES (32-byte key) mode=Framework45}
}

// The key of a farm changes while users are signed in: first everywhere the
// new key in front and the old one behind it, later the new one alone.
func ExampleRing_Replace() {
	newKey := func() *machinekey.Key {
		cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
		if err != nil {
			log.Fatal(err)
		}
		key, err := machinekey.New(cfg)
		if err != nil {
			log.Fatal(err)
		}
		return key
	}
	present, next := newKey(), newKey()
	ring, err := machinekey.NewRing(present)
	if err != nil {
		log.Fatal(err)
	}
	tickets, err := ring.Protector(machinekey.FormsTicket)
	if err != nil {
		log.Fatal(err)
	}
	protected, err := tickets.Protect(nil, []byte("ticket"))
	if err != nil {
		log.Fatal(err)
	}

	if err := ring.Replace(next, present); err != nil {
		log.Fatal(err)
	}
	ticket, key, err := tickets.UnprotectKey(nil, protected)
	fmt.Printf("%s, %v\n", ticket, err)
	if key != ring.Primary() {
		fmt.Println("protected with an older key: time to issue it anew")
	}

	if err := ring.Replace(next); err != nil {
		log.Fatal(err)
	}
	_, err = tickets.Unprotect(nil, protected)
	fmt.Println(err)
	// Output:
	// ticket, <nil>
	// protected with an older key: time to issue it anew
	// machinekey: protected data is not valid under this key and purpose
}
