// Command newsite makes a site to try the other examples with, if you have none at hand: the file
// web.config with FedAuth and forms tickets, and the folder keys with a key ring of ASP.NET Core.
//
//	go run ./newsite
//
// A real site has both on its .NET nodes already. The keys are fresh, and existing files stay.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/machinekey"
)

const webConfig = `<configuration>
  <system.web>
    <httpRuntime targetFramework="4.8" />
    %s
    <authentication mode="Forms">
      <forms timeout="30" cookieless="UseCookies" />
    </authentication>
  </system.web>
  <system.identityModel>
    <identityConfiguration>
      <securityTokenHandlers>
        <remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel" />
        <add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler, System.IdentityModel.Services" />
      </securityTokenHandlers>
    </identityConfiguration>
  </system.identityModel>
  <system.identityModel.services>
    <federationConfiguration>
      <cookieHandler path="/" requireSsl="false" />
    </federationConfiguration>
  </system.identityModel.services>
</configuration>
`

func main() {
	key, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.OpenFile("web.config", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := fmt.Fprintf(file, webConfig, key.WebConfig()); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}

	if err := os.MkdirAll("keys", 0o700); err != nil {
		log.Fatal(err)
	}
	// A keeper makes the first key of an empty ring. The .NET nodes of a farm do the same.
	ring, err := dataprotection.Open(context.Background(), dataprotection.Path("keys"),
		&dataprotection.RingOptions{KeepAhead: 7 * 24 * time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("web.config and keys are here, with the key %s\n", ring.Keys()[0].ID)
}
