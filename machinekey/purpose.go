package machinekey

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Purpose says what protected data is for. Data protected for one purpose
// cannot be opened for another, although one machine key serves them all: the
// purpose enters the derivation of the keys (System.Web's Purpose).
//
// A Purpose is comparable, is not secret, and its zero value is invalid.
//
//	primary   a fixed name, one per feature of .NET
//	specific  any number of strings, each as V7(length in bytes) || UTF-8
//
// V7 is the 7-bit variable length integer of .NET's BinaryWriter.
type Purpose struct {
	primary  string
	specific string // encoded as above: the context of the key derivation
}

// The purposes of the cookies that System.Web itself writes in compatibility
// mode Framework45. None has specific strings.
var (
	FormsTicket     = Purpose{primary: "FormsAuthentication.Ticket"}
	RoleTicket      = Purpose{primary: "RolePrincipal.Ticket"}
	AnonymousTicket = Purpose{primary: "AnonymousIdentificationModule.Ticket"}
)

const userPrimary = "User.MachineKey.Protect"

// UserPurpose returns the purpose of MachineKey.Protect(data, purposes...),
// which Katana and the machine-key session token handler of WIF also use.
// Order and case matter; the list may be empty.
//
// As in .NET an entry that is empty or only white space is an error, and so
// is text that is not valid Unicode: here, invalid UTF-8.
func UserPurpose(purposes ...string) (Purpose, error) {
	for i, s := range purposes {
		if strings.TrimFunc(s, unicode.IsSpace) == "" {
			return Purpose{}, fmt.Errorf("machinekey: purpose %d of %d is empty or only white space", i+1, len(purposes))
		}
	}
	return newPurpose(userPrimary, purposes)
}

// BuiltinPurpose returns the purpose with one of .NET's own primary names:
//
//	User.MachineKey.Protect                                 MachineKey.Protect, Katana, WIF: as UserPurpose
//	FormsAuthentication.Ticket                              forms cookie
//	RolePrincipal.Ticket                                    role cookie
//	AnonymousIdentificationModule.Ticket                    anonymous identification cookie
//	AssemblyResourceLoader.WebResourceUrl                   WebResource.axd addresses
//	ScriptResourceHandler.ScriptResourceUrl                 ScriptResource.axd addresses
//	WebForms.Page.PreviousPageID                            cross-page posts
//	WebForms.HiddenFieldPageStatePersister.ClientState      view state in the page
//	WebForms.SessionPageStatePersister.ClientState          view state in the session
//	WebForms.ClientScriptManager.EventValidation            event validation
//	WebForms.DetailsView.KeyTable                           control state of DetailsView
//	WebForms.GridView.DataKeys                              control state of GridView
//	WebForms.GridView.SortExpression                        control state of GridView
//	WebForms.ScriptManager.HistoryState                     browser history points
//	User.ObjectStateFormatter.Serialize                     ObjectStateFormatter called by an application
//
// The page state ones have the specific strings "TemplateSourceDirectory: "
// and the directory in upper case, "Type: " and the page's type name in upper
// case, and if the page sets it "ViewStateUserKey: " and that key. The others
// have none. Any other primary name, and invalid UTF-8, is an error.
func BuiltinPurpose(primary string, specific ...string) (Purpose, error) {
	switch primary {
	case userPrimary:
		return UserPurpose(specific...)
	case FormsTicket.primary,
		RoleTicket.primary,
		AnonymousTicket.primary,
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
		return newPurpose(primary, specific)
	}
	return Purpose{}, fmt.Errorf("machinekey: %q is not a primary purpose of .NET", primary)
}

// check refuses the zero value.
func (p Purpose) check() error {
	if p == (Purpose{}) {
		return errors.New("machinekey: the zero Purpose is not valid; use UserPurpose or FormsTicket")
	}
	return nil
}

// String returns the primary name and the specific strings, quoted.
func (p Purpose) String() string {
	if p == (Purpose{}) {
		return "invalid"
	}
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

func newPurpose(primary string, specific []string) (Purpose, error) {
	var encoded []byte
	for i, s := range specific {
		if !utf8.ValidString(s) {
			return Purpose{}, fmt.Errorf("machinekey: purpose %d of %d is not valid UTF-8", i+1, len(specific))
		}
		encoded = appendSpecific(encoded, s)
	}
	return Purpose{primary: primary, specific: string(encoded)}, nil
}

// appendSpecific appends one specific string. The prefix makes the list
// injective: {"a", "b"} and {"ab"} are different purposes.
func appendSpecific(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}
