package machinekey_test

import (
	"context"
	"encoding/hex"
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
	cart, err := ring.Protector(machinekey.UserPurpose, "Acme.Cart", "v1") // once, then for all requests
	if err != nil {
		log.Fatal(err)
	}

	protected, err := cart.Protect(nil, []byte("3 apples"))
	if err != nil {
		log.Fatal(err)
	}
	data, _, err := cart.Unprotect(context.Background(), nil, protected)
	fmt.Printf("%s, %v\n", data, err)

	protected[0] ^= 1
	_, _, err = cart.Unprotect(context.Background(), nil, protected)
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
	fmt.Println(cfg.ValidationKey) // a Config itself prints without its keys
	// Output:
	// true
	// 64 secret bytes
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
	tickets, err := ring.Protector(machinekey.FormsPurpose)
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
	ticket, keyID, err := tickets.Unprotect(context.Background(), nil, protected)
	fmt.Printf("%s, %v\n", ticket, err)
	if _, renew := ring.KeyStatus(keyID); renew {
		fmt.Println("protected with an older key: time to issue it anew")
	}

	if err := ring.Replace(next); err != nil {
		log.Fatal(err)
	}
	_, _, err = tickets.Unprotect(context.Background(), nil, protected)
	fmt.Println(err)
	// Output:
	// ticket, <nil>
	// protected with an older key: time to issue it anew
	// machinekey: protected data is not valid under this key and purpose
}

// A site whose web.config says compatibilityMode="Framework20SP1", or that
// names no mode and targets a framework before 4.5, protects its forms cookie
// without derived keys.
func ExampleRing_CookieProtector() {
	cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	cfg.Mode = machinekey.Framework20SP1 // as ParseWebConfig finds it
	key, err := machinekey.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		log.Fatal(err)
	}
	tickets, err := ring.CookieProtector(machinekey.LegacyOptions{Protection: machinekey.ProtectionAll}, machinekey.FormsPurpose)
	if err != nil {
		log.Fatal(err)
	}
	protected, err := tickets.Protect(nil, []byte("ticket"))
	if err != nil {
		log.Fatal(err)
	}
	ticket, _, err := tickets.Unprotect(context.Background(), nil, protected)
	fmt.Printf("%s, %v\n", ticket, err)

	protected[0] ^= 1
	_, _, err = tickets.Unprotect(context.Background(), nil, protected)
	fmt.Println(errors.Is(err, machinekey.ErrUnprotect))
	// Output:
	// ticket, <nil>
	// true
}

// What MachineKey.Encode made on a .NET node, and what MachineKey.Decode
// accepts there. The key of this example is public: nothing but an example may
// allow it.
func ExampleRing_EncodeProtector() {
	cfg, err := machinekey.ParseWebConfig(strings.NewReader(`<configuration><system.web><machineKey
		validationKey="4B04D08CAA210ABF91B5E6E86763E0EEA4044284B4C962B4E51227868DF44D1D6D20F7309FBA3CE323404FA0FC39E6C8C6CE9FB842C9481B9938EB268AF5F85D"
		decryptionKey="C9D61286123285F6FA496CFA190FC219BEF44A0943705404CF023C15A1FFFE02"
		validation="SHA1" decryption="AES"/></system.web></configuration>`))
	if err != nil {
		log.Fatal(err)
	}
	cfg.AllowKnownKey = true
	key, err := machinekey.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		log.Fatal(err)
	}
	p, err := ring.EncodeProtector(machinekey.LegacyOptions{Protection: machinekey.ProtectionValidation})
	if err != nil {
		log.Fatal(err)
	}
	const text = "5FD080658AE2B56D3931720D79F512ED8B4B42D1367D6CD51C08"
	encoded, err := hex.DecodeString(text)
	if err != nil {
		log.Fatal(err)
	}
	data, _, err := p.Unprotect(context.Background(), nil, encoded)
	fmt.Printf("%x, %v\n", data, err)

	encoded, err = p.Protect(nil, data)
	fmt.Println(fmt.Sprintf("%X", encoded) == text, err)
	// Output:
	// 5fd080658ae2, <nil>
	// true <nil>
}
