package machinekey_test

import (
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/webfarm-go/webfarm/machinekey"
)

// strictRing is LoadRing with a list of known keys that was downloaded.
func strictRing(webConfig, machineKeysCSV string) (*machinekey.Ring, error) {
	f, err := os.Open(machineKeysCSV)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	known, err := machinekey.KnownKeys(f)
	if err != nil {
		return nil, err
	}
	cfg, err := machinekey.LoadWebConfig(webConfig)
	if err != nil {
		return nil, err
	}
	cfg.KnownKeys = known
	key, err := machinekey.New(cfg)
	if err != nil {
		return nil, err
	}
	return machinekey.NewRing(key)
}

// A site uses a key that somebody has published, and Microsoft has listed.
func ExampleKnownKeys() {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	webConfig, list, other := listedSite(folder)

	_, err = strictRing(webConfig, list)
	var bad *machinekey.ConfigError
	if errors.As(err, &bad) && errors.Is(err, machinekey.ErrKnownKey) {
		fmt.Printf("line %d, %s: %s\n", bad.Line, bad.Attribute, bad.Found)
	}
	_, err = strictRing(other, list)
	fmt.Println(err)
	// Output:
	// line 1, decryptionKey: a key on line 2 of the list of known keys
	// <nil>
}

// listedSite writes a web.config, a list with its decryption key, and another
// web.config.
func listedSite(folder string) (webConfig, list, other string) {
	write := func(name, text string) string {
		path := folder + "/" + name
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			log.Fatal(err)
		}
		return path
	}
	site := func(name string) (string, machinekey.Config) {
		cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
		if err != nil {
			log.Fatal(err)
		}
		return write(name, "<configuration><system.web>"+cfg.WebConfig()+
			"</system.web></configuration>"), cfg
	}
	webConfig, cfg := site("web.config")
	other, _ = site("other.config")
	list = write("MachineKeys.csv", "validationKey, decryptionKey\n"+hashOf(nil)+", "+
		hashOf(cfg.DecryptionKey.Reveal())+"\n")
	return webConfig, list, other
}
