package machinekey

import (
	"fmt"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// refuseWeak refuses the keys that [Config.AllowWeakKey] names. The error says
// which rule the key breaks and nothing else of it.
func (c Config) refuseWeak() error {
	if c.AllowWeakKey {
		return nil
	}
	found, attribute := secret.Weakness(c.ValidationKey, c.DecryptionKey)
	if found == "" {
		return nil
	}
	e := &ConfigError{Code: "weak_key", Attribute: attribute, Found: found,
		Want: fmt.Sprintf("random keys on every node, the validationKey of %d bytes or more: see Generate; or AllowWeakKey for migrations and tests", secret.MinKey)}
	if c.line > 0 {
		e.Section, e.Line = "system.web/machineKey", c.line
	}
	return e
}
