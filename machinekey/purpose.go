package machinekey

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/netfx"
)

// The primary purposes of the credentials: that of MachineKey.Protect, with
// which Katana and the machine-key session token handler of WIF protect too,
// and those of the cookies that System.Web itself writes in compatibility mode
// Framework45. Only the first takes specific purposes.
const (
	UserPurpose      = "User.MachineKey.Protect"
	FormsPurpose     = "FormsAuthentication.Ticket"
	RolePurpose      = "RolePrincipal.Ticket"
	AnonymousPurpose = "AnonymousIdentificationModule.Ticket"
)

// purpose says what protected data is for. Data protected for one purpose
// cannot be opened for another, although one machine key serves them all: the
// purpose enters the derivation of the keys (System.Web's Purpose).
//
//	primary   a fixed name, one per feature of .NET
//	specific  any number of strings
type purpose struct {
	primary  string
	specific string // as netfx.Context has it
}

// parsePurpose checks a list of purposes, see [Ring.Protector].
func parsePurpose(list []string) (purpose, error) {
	if len(list) == 0 {
		return purpose{}, errors.New("machinekey: no purpose; the first one is a name of .NET's, such as UserPurpose")
	}
	primary, specific := list[0], list[1:]
	switch primary {
	case UserPurpose:
		for i, s := range specific {
			if strings.TrimFunc(s, unicode.IsSpace) == "" {
				return purpose{}, fmt.Errorf("machinekey: purpose %d of %d is empty or only white space",
					i+1, len(specific))
			}
		}
	case FormsPurpose, RolePurpose, AnonymousPurpose,
		"AssemblyResourceLoader.WebResourceUrl",
		"ScriptResourceHandler.ScriptResourceUrl",
		"WebForms.Page.PreviousPageID",
		"WebForms.HiddenFieldPageStatePersister.ClientState",
		"WebForms.SessionPageStatePersister.ClientState",
		"WebForms.ClientScriptManager.EventValidation",
		"WebForms.DetailsView.KeyTable",
		"WebForms.GridView.DataKeys",
		"WebForms.GridView.SortExpression",
		"WebForms.ScriptManager.HistoryState",
		"User.ObjectStateFormatter.Serialize":
	default:
		return purpose{}, fmt.Errorf("machinekey: %q is not a primary purpose of .NET; the application's own stand behind UserPurpose", primary)
	}
	for i, s := range specific {
		if !utf8.ValidString(s) {
			return purpose{}, fmt.Errorf("machinekey: purpose %d of %d is not valid UTF-8",
				i+1, len(specific))
		}
	}
	return purpose{primary: primary, specific: netfx.Context(specific...)}, nil
}

// String returns the primary name and the specific strings, quoted.
func (p purpose) String() string {
	var b strings.Builder
	b.WriteString(p.primary)
	for rest := []byte(p.specific); len(rest) > 0; {
		n, size := binary.Uvarint(rest)
		rest = rest[size:]
		fmt.Fprintf(&b, " %q", rest[:n])
		rest = rest[n:]
	}
	return b.String()
}
