package doctor

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
)

// differences returns the reasons why node n does not read what opens under h: one finding for each
// setting, first the key's. f.kind is the expected kind.
func (e *exam) differences(n *Node, f found, h *hit) []Finding {
	own, _ := n.setup(f.kind, f.authType)
	var list []Finding
	for _, finding := range []*Finding{
		n.keyDifference(h, f), n.validationDifference(own, h, f), n.decryptionDifference(h, f),
		n.modeDifference(own, h, f), n.kindDifference(h, f), n.handlerDifference(own, h, f),
		n.unsignedDifference(own, h, f), n.generationDifference(own, h, f), n.layoutDifference(own, h, f),
		n.protectionDifference(h, f),
	} {
		if finding != nil {
			list = append(list, *finding)
		}
	}
	return list
}

// keyDifference compares the two keys.
func (n *Node) keyDifference(h *hit, f found) *Finding {
	k := &n.key
	valSame := h.anyValidation || h.validationKey.bytes.Equal(k.ValidationKey)
	decSame := h.anyCipher || h.decryptionKey.bytes.Len() == 0 ||
		h.decryptionKey.bytes.Equal(k.DecryptionKey)
	var changes []Setting
	other := ""
	change := func(attribute string, kb keyBytes) {
		s := Setting{Path: pathMachineKey, Attribute: attribute, ValueOf: kb.attribute}
		if kb.node != n {
			s.FromFile = kb.node.file
		}
		changes = append(changes, s)
	}
	if !valSame {
		change("validationKey", h.validationKey)
	}
	if !decSame {
		change("decryptionKey", h.decryptionKey)
	}
	for _, kb := range []keyBytes{h.validationKey, h.decryptionKey} {
		if len(changes) > 0 && kb.node != nil && kb.node != n {
			other = cmp.Or(other, kb.node.file)
		}
	}
	switch {
	case len(k.ValidationFlags) > 0 && k.ValidationKey.Len() == 0 ||
		len(k.DecryptionFlags) > 0 && k.DecryptionKey.Len() == 0:
		if other != "" {
			return n.says(f, "auto_generated_key/other", "other", other).in(n, changes...)
		}
	case (h.validationKey.isolated || h.decryptionKey.isolated) && k.Isolated():
		return n.says(f, "isolated_key/own", "flags", k.flagWords()).in(n, bareKeys()...)
	case h.validationKey.isolated || h.decryptionKey.isolated:
		return f.says("isolated_key/other", "other", h.validationKey.node.file)
	case k.Isolated():
		if len(changes) == 0 {
			return n.says(f, "isolated_key/plain", "flags", k.flagWords()).in(n, bareKeys()...)
		}
	case !valSame && !decSame && h.validationKey.attribute == "decryptionKey" &&
		h.decryptionKey.attribute == "validationKey" &&
		h.validationKey.bytes.Equal(k.DecryptionKey) &&
		h.decryptionKey.bytes.Equal(k.ValidationKey):
		return n.says(f, "swapped_keys").in(n, changes...)
	case other != "" && valSame:
		return n.says(f, "other_key/decryption", "other", other).in(n, changes...)
	case other != "" && decSame:
		return n.says(f, "other_key/validation", "other", other).in(n, changes...)
	case other != "":
		return n.says(f, "other_key/both", "other", other).in(n, changes...)
	case len(changes) > 0:
		return n.says(f, "swapped_keys/one").in(n, changes...)
	}
	return nil
}

// flagWords are the words behind the keys, for a sentence.
func (k *machineKey) flagWords() string {
	words := slices.Compact(slices.Sorted(slices.Values(slices.Concat(k.ValidationFlags,
		k.DecryptionFlags))))
	return "," + strings.Join(words, " and ,")
}

func (n *Node) validationDifference(own setup, h *hit, f found) *Finding {
	if h.anyValidation || n.key.validation == "" || effective(own.validation) == h.validation {
		return nil
	}
	found := string(h.validation)
	return n.says(f, "validation_algorithm", "found", strconv.Quote(found), "own",
		strconv.Quote(string(own.validation))).
		in(n, Setting{Path: pathMachineKey, Attribute: "validation", Value: found})
}

func (n *Node) decryptionDifference(h *hit, f found) *Finding {
	if h.anyCipher || h.decryptionKey.bytes.Len() == 0 ||
		n.key.cipher(h.effectiveMode()) == h.cipher {
		return nil
	}
	found := string(h.cipher)
	return n.says(f, "decryption_algorithm", "found", strconv.Quote(found), "own",
		strconv.Quote(string(n.key.decryption))).
		in(n, Setting{Path: pathMachineKey, Attribute: "decryption", Value: found})
}

func (n *Node) modeDifference(own setup, h *hit, f found) *Finding {
	if !h.kind.IsModal() || isLegacy(own.mode) == isLegacy(h.mode) &&
		(!h.unsigned || h.anyCipher || own.mode == h.mode) {
		return nil
	}
	reasons := findings["compatibility_mode"]
	why := cmp.Or(reasons.Text(n.key.ModeFrom, "version", strconv.Quote(n.key.TargetFramework)),
		reasons.Text("attribute"))
	setting := Setting{Path: pathMachineKey, Attribute: "compatibilityMode", Value: string(h.mode)}
	if isLegacy(h.mode) && !h.unsigned {
		return n.says(f, "compatibility_mode/legacy", "own", own.mode, "why", why).in(n, setting)
	}
	return n.says(f, "compatibility_mode", "found", h.mode, "own", own.mode, "why",
		why).in(n, setting)
}

// effectiveMode is the mode whose rules encrypted the hit.
func (h *hit) effectiveMode() machinekey.Mode {
	switch {
	case h.encode:
		return machinekey.Framework20SP1
	case !h.kind.IsModal():
		return machinekey.Framework45
	}
	return h.mode
}

// kindDifference compares the kind of the credential with the kind of its name.
func (n *Node) kindDifference(h *hit, f found) *Finding {
	switch {
	case h.purpose != nil:
		return f.says("purposes", "what", h.purpose.what)
	case h.kind.IsSession() && f.kind.IsSession():
		return nil
	case h.kind != f.kind:
		finding := f.says("other_credential", "kind", f.kind, "found", h.withType(), "it", h.kind)
		if setting := n.nameSetting(h.kind, f.name); setting != nil {
			return finding.in(n, *setting)
		}
		finding.Fix = strayFix(h, f)
		return finding
	case h.kind == Katana && h.authType != f.authType:
		return f.says("authentication_type", "type", strconv.Quote(h.authType), "own",
			strconv.Quote(f.authType))
	}
	return nil
}

// withType is the kind of a hit with its AuthenticationType.
func (h *hit) withType() string {
	if h.kind == Katana {
		return h.kind.String() + " of the AuthenticationType " + strconv.Quote(h.authType)
	}
	return h.kind.String()
}

// nameSetting makes a node look for k under that name, nil if no web.config sets it.
func (n *Node) nameSetting(k Kind, name string) *Setting {
	paths := map[Kind]string{Forms: pathForms, Roles: pathRoles, Anonymous: pathAnonymous,
		FedAuth: pathCookie, WIF10: pathCookie10}
	if name == "" || paths[k] == "" {
		return nil
	}
	attribute := "name"
	if k == Roles || k == Anonymous {
		attribute = "cookieName"
	}
	return &Setting{Path: paths[k], Attribute: attribute, Value: name}
}

// strayFix is the fix for a credential whose name is not set in web.config.
func strayFix(h *hit, f found) Fix {
	switch {
	case f.name == "":
		return say("fix/bare", "found", h.withType(), "it", string(h.kind)).Fix
	case h.kind == Katana:
		return say("fix/katana", "it", h.kind, "name", strconv.Quote(f.name),
			"type", strconv.Quote(h.authType)).Fix
	}
	return say("fix/stray").Fix
}

// handlerDifference compares the session handlers.
func (n *Node) handlerDifference(own setup, h *hit, f found) *Finding {
	handler := Setting{Path: pathHandlers, Value: "MachineKeySessionSecurityTokenHandler"}
	switch {
	case !h.sessions(f):
		return nil
	case n.session.On && n.session.Protection == webconfig.ProtectionDPAPI:
		return n.says(f, "dpapi").in(n, handler)
	case h.encode && !own.encode:
		return n.says(f, "session_handler/encode")
	case own.encode && !h.encode:
		return n.says(f, "session_handler/protect").in(n, handler)
	}
	return nil
}

// sessions reports whether a hit is a session of WIF, as its name says.
func (h *hit) sessions(f found) bool {
	return h.purpose == nil && h.kind.IsSession() && f.kind.IsSession()
}

// unsignedDifference compares the switches that leave signatures out.
func (n *Node) unsignedDifference(own setup, h *hit, f found) *Finding {
	session := h.sessions(f) && h.encode && own.encode
	modal := h.kind.IsModal() && isLegacy(h.mode)
	if !session && !modal || h.unsigned == own.unsigned {
		return nil
	}
	of := func(key string) Setting {
		return Setting{Path: pathAppSetting, Attribute: key, Value: strconv.FormatBool(h.unsigned)}
	}
	switch {
	case session && h.unsigned:
		return n.says(f, "unsigned/session").in(n, of(webconfig.UseLegacyMachineKeyEncryption))
	case session:
		return n.says(f, "unsigned/signed_session").in(n,
			of(webconfig.UseLegacyMachineKeyEncryption))
	case h.unsigned:
		return n.says(f, "unsigned").in(n, of(webconfig.UseLegacyEncryption))
	}
	return n.says(f, "unsigned/signed").in(n, of(webconfig.UseLegacyEncryption))
}

// generationDifference compares WIF 1.0 and 4.5.
func (n *Node) generationDifference(own setup, h *hit, f found) *Finding {
	if !h.sessions(f) || own.kind == h.kind {
		return nil
	}
	return n.says(f, "wif_generation", "found", h.kind, "own", own.kind, "kind", string(h.kind))
}

// layoutDifference compares the layouts of forms tickets.
func (n *Node) layoutDifference(own setup, h *hit, f found) *Finding {
	if h.kind != Forms || h.oldLayout == own.oldLayout {
		return nil
	}
	setting := Setting{Path: pathAppSetting, Attribute: webconfig.UseLegacyFormsTicket,
		Value: strconv.FormatBool(h.oldLayout)}
	if own.oldLayout {
		return n.says(f, "old_layout/new").in(n, setting)
	}
	return n.says(f, "old_layout").in(n, setting)
}

// protectionDifference compares the attribute protection, which has an effect in the legacy modes.
func (n *Node) protectionDifference(h *hit, f found) *Finding {
	own := n.protection(h.kind)
	if !h.kind.IsModal() || !isLegacy(h.mode) || own == h.protection {
		return nil
	}
	path, attribute := pathForms, "protection"
	switch h.kind {
	case Roles:
		path, attribute = pathRoles, "cookieProtection"
	case Anonymous:
		path, attribute = pathAnonymous, "cookieProtection"
	}
	found := string(h.protection)
	words := []any{"attribute", attribute, "found", strconv.Quote(found), "own",
		strconv.Quote(string(own))}
	if h.protection == machinekey.InsecureProtectionNone {
		return n.says(f, "forms_protection/none", words...)
	}
	return n.says(f, "forms_protection", words...).in(n,
		Setting{Path: path, Attribute: attribute, Value: found})
}
