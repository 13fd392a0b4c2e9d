package doctor

import (
	"strconv"

	"github.com/webfarm-go/webfarm/machinekey"
)

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
