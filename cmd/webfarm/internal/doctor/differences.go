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
func (n *Node) differences(f found, h *hit) (list []Finding) {
	own, _ := n.setup(f.kind, f.authType)
	add := func(found *Finding, settings ...Setting) {
		if len(settings) > 0 {
			found.in(n, settings...)
		}
		list = noted(list, found)
	}
	add(n.keyDifference(h, f))
	if !h.anyValidation && n.key.validation != "" && effective(own.validation) != h.validation {
		found := string(h.validation)
		add(n.says(f, "validation_algorithm", "found", strconv.Quote(found), "own",
			strconv.Quote(string(own.validation))), set(pathMachineKey, "validation", found))
	}
	if !h.anyCipher && h.decryptionKey.bytes.Len() > 0 &&
		n.key.cipher(h.effectiveMode()) != h.cipher {
		found := string(h.cipher)
		add(n.says(f, "decryption_algorithm", "found", strconv.Quote(found), "own",
			strconv.Quote(string(n.key.decryption))), set(pathMachineKey, "decryption", found))
	}
	reasons := findings["compatibility_mode"]
	why := cmp.Or(reasons.Text(n.key.ModeFrom, "version", strconv.Quote(n.key.TargetFramework)),
		reasons.Text("attribute"))
	mode := set(pathMachineKey, "compatibilityMode", string(h.mode))
	switch {
	case !h.kind.IsModal(), isLegacy(own.mode) == isLegacy(h.mode) &&
		(!h.unsigned || h.anyCipher || own.mode == h.mode):
	case isLegacy(h.mode) && !h.unsigned:
		add(n.says(f, "compatibility_mode/legacy", "own", own.mode, "why", why), mode)
	default:
		add(n.says(f, "compatibility_mode", "found", h.mode, "own", own.mode, "why", why), mode)
	}
	add(n.kindDifference(h, f))
	sessions := h.purpose == nil && h.kind.IsSession() && f.kind.IsSession()
	handler := set(pathHandlers, "", "MachineKeySessionSecurityTokenHandler")
	switch {
	case !sessions:
	case n.session.On && n.session.Protection == webconfig.ProtectionDPAPI:
		add(n.says(f, "dpapi"), handler)
	case h.encode && !own.encode:
		add(n.says(f, "session_handler/encode"))
	case own.encode && !h.encode:
		add(n.says(f, "session_handler/protect"), handler)
	}
	encoded, modal := sessions && h.encode && own.encode, h.kind.IsModal() && isLegacy(h.mode)
	switch {
	case !encoded && !modal || h.unsigned == own.unsigned:
	case encoded && h.unsigned:
		add(n.says(f, "unsigned/session"),
			set(pathAppSetting, webconfig.UseLegacyMachineKeyEncryption, "true"))
	case encoded:
		add(n.says(f, "unsigned/signed_session"),
			set(pathAppSetting, webconfig.UseLegacyMachineKeyEncryption, "false"))
	case h.unsigned:
		add(n.says(f, "unsigned"), set(pathAppSetting, webconfig.UseLegacyEncryption, "true"))
	default:
		add(n.says(f, "unsigned/signed"),
			set(pathAppSetting, webconfig.UseLegacyEncryption, "false"))
	}
	if sessions && own.kind != h.kind {
		add(n.says(f, "wif_generation", "found", h.kind, "own", own.kind, "kind", string(h.kind)))
	}
	switch {
	case h.kind != Forms || h.oldLayout == own.oldLayout:
	case own.oldLayout:
		add(n.says(f, "old_layout/new"),
			set(pathAppSetting, webconfig.UseLegacyFormsTicket, "false"))
	default:
		add(n.says(f, "old_layout"), set(pathAppSetting, webconfig.UseLegacyFormsTicket, "true"))
	}
	if protection := n.protection(h.kind); modal && protection != h.protection {
		setting := settingOf(h.kind, "Protection")
		setting.Value = string(h.protection)
		words := []any{"attribute", setting.Attribute, "found", strconv.Quote(setting.Value), "own",
			strconv.Quote(string(protection))}
		if h.protection == machinekey.InsecureProtectionNone {
			add(n.says(f, "forms_protection/none", words...))
		} else {
			add(n.says(f, "forms_protection", words...), *setting)
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
	words := []any{"other", other, "flags", k.flagWords()}
	isolated := h.validationKey.isolated || h.decryptionKey.isolated
	switch {
	case k.autoGenerates():
		if other != "" {
			return n.says(f, "auto_generated_key/other", words...).in(n, changes...)
		}
	case isolated && k.Isolated():
		return n.says(f, "isolated_key/own", words...).in(n, bareKeys("")...)
	case isolated:
		return f.says("isolated_key/other", "other", h.validationKey.node.file)
	case k.Isolated():
		if len(changes) == 0 {
			return n.says(f, "isolated_key/plain", words...).in(n, bareKeys("")...)
		}
	case !valSame && !decSame && h.validationKey.attribute == "decryptionKey" &&
		h.decryptionKey.attribute == "validationKey" &&
		h.validationKey.bytes.Equal(k.DecryptionKey) &&
		h.decryptionKey.bytes.Equal(k.ValidationKey):
		return n.says(f, "swapped_keys", words...).in(n, changes...)
	case other != "" && valSame:
		return n.says(f, "other_key/decryption", words...).in(n, changes...)
	case other != "" && decSame:
		return n.says(f, "other_key/validation", words...).in(n, changes...)
	case other != "":
		return n.says(f, "other_key/both", words...).in(n, changes...)
	case len(changes) > 0:
		return n.says(f, "swapped_keys/one", words...).in(n, changes...)
	}
	return nil
}

// autoGenerates reports whether one of the keys is only words such as AutoGenerate.
func (k *machineKey) autoGenerates() bool {
	return len(k.ValidationFlags) > 0 && k.ValidationKey.Len() == 0 ||
		len(k.DecryptionFlags) > 0 && k.DecryptionKey.Len() == 0
}

// flagWords are the words behind the keys, for a sentence.
func (k *machineKey) flagWords() string {
	words := slices.Compact(slices.Sorted(slices.Values(slices.Concat(k.ValidationFlags,
		k.DecryptionFlags))))
	return "," + strings.Join(words, " and ,")
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
		if setting := nameSetting(h.kind, f.name); setting != nil {
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

// present is the value of a setting in the node's file, or its default.
func (n *Node) present(s Setting) string {
	for _, k := range []Kind{Forms, Roles, Anonymous} {
		if settingOf(k, "Protection").Path == s.Path {
			return string(n.protection(k))
		}
	}
	switch {
	case s.Path == pathAppSetting:
		return strconv.FormatBool(n.switchOn(s.Attribute))
	case s.Attribute == "validation":
		return string(n.key.validation)
	case s.Attribute == "decryption":
		return string(n.key.cipher(n.key.mode))
	}
	return string(n.key.mode)
}

// stronger turns a fix that would weaken n into the one that strengthens the node that issued the
// credential. The file of that node may not be given.
func (e *exam) stronger(n *Node, f *Finding) {
	if len(f.Fix.Settings) != 1 {
		return
	}
	s := f.Fix.Settings[0]
	own := n.present(s)
	if rank(&s, own) < 0 {
		return
	}
	if f.Code == "compatibility_mode" && isLegacy(n.key.mode) {
		s.Value = string(machinekey.Framework45) // also for what the two legacy modes write differently
		f.in(n, s)
	}
	legacy := n
	if rank(&s, s.Value) < rank(&s, own) {
		issuer := &Node{}
		for _, m := range e.nodes {
			if m.present(s) != own {
				issuer = m
			}
		}
		s.Value, legacy = own, issuer
		f.in(issuer, s).Fix.Text = findings[f.Code].Text("issuer", "value",
			s.Attribute+"="+strconv.Quote(own))
	}
	if f.Code == "compatibility_mode" && legacy.key.TargetFramework < "4.5" { // it may be on .NET 4.0
		f.Fix.Text += findings[f.Code].Text("old")
	}
}
