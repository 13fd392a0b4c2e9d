package sessiontoken

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// A ticket that ends up in JSON, say of a log, brings no credential along.
func TestJSONHoldsNoCredential(t *testing.T) {
	const secret = "5ecre7"
	identity := Identity{BootstrapKind: "string", Bootstrap: machinekey.NewSecret([]byte(secret)),
		Claims: []Claim{{Type: ClaimTypeName, Value: "bob"}}}
	for _, v := range []any{
		identity,
		Principal{Identities: []Identity{identity}},
		&Token{ContextID: machinekey.NewSecret([]byte(secret)),
			Key:       machinekey.NewSecret([]byte(secret)),
			Principal: Principal{Identities: []Identity{identity}}},
		&KatanaTicket{Identity: identity, SessionKey: machinekey.NewSecret([]byte(secret)),
			Properties: Properties{{"access_token", secret}}},
	} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), secret) || strings.Contains(string(text), "NWVjcmU3") ||
			!strings.Contains(string(text), "bob") {
			t.Errorf("%T: %s", v, text)
		}
	}
}
