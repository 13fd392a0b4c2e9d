package machinekey_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/webfarm-go/webfarm/machinekey"
)

// The file of a .NET site says all there is to know about its keys. Keys are
// secrets, so this example makes its own instead of showing some to copy.
func ExampleParseWebConfig() {
	fresh, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	file := fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <system.web>
    <httpRuntime targetFramework="4.8" />
    <machineKey validationKey="%X" decryptionKey="%X" validation="HMACSHA256" decryption="AES" />
  </system.web>
</configuration>`, fresh.ValidationKey.Reveal(), fresh.DecryptionKey.Reveal())

	cfg, err := machinekey.ParseWebConfig(strings.NewReader(file))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cfg.ValidationKey, cfg.DecryptionKey) // how long they are, and no more
	fmt.Println(cfg.Validation, cfg.Decryption, cfg.Mode)
	// Output:
	// 64 secret bytes 32 secret bytes
	// HMACSHA256 AES Framework45
}

// Keys that each machine generates for itself cannot be shared. Errors name
// the line and what to change, and carry a code for programs.
func ExampleParseWebConfig_autoGenerate() {
	const file = `<configuration>
  <system.web>
    <machineKey validationKey="AutoGenerate,IsolateApps" decryptionKey="AutoGenerate,IsolateApps" />
  </system.web>
</configuration>`

	_, err := machinekey.ParseWebConfig(strings.NewReader(file))
	var fault *machinekey.ConfigError
	if errors.As(err, &fault) {
		fmt.Println(fault.Code, "on line", fault.Line)
		fmt.Println(strings.Contains(fault.Want, "Generate Keys"))
	}
	// Output:
	// auto_generated_key on line 3
	// true
}

// Many farms keep the element in a file of its own, so that web.config can be
// under version control without the keys.
func ExampleLoadWebConfig() {
	fresh, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "site")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "web.config")
	files := map[string]string{
		path: `<configuration><system.web><machineKey configSource="machineKey.config" /></system.web></configuration>`,
		filepath.Join(folder, "machineKey.config"): fresh.WebConfig(),
	}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			log.Fatal(err)
		}
	}

	cfg, err := machinekey.LoadWebConfig(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cfg.Validation, cfg.Decryption, cfg.Mode)
	// Output:
	// SHA1 AES Framework45
}
