package doctor

import (
	"cmp"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Options are the operator's settings. Only Now is needed.
type Options struct {
	// Now is the time for checks of validity.
	Now time.Time
	// Name is the one cookie to examine, Kind its kind, and AuthType the AuthenticationType of a
	// Katana cookie. Empty values are detected.
	Name     string
	Kind     Kind
	AuthType string
	// Path is the cookie path of nodes whose files have none.
	Path string
	// Isolation holds the hashes of the application for ,IsolateApps and ,IsolateByAppId.
	Isolation Isolation
	// AllowKnownKey makes publicly known keys a warning. KnownKeys adds to the built-in list.
	AllowKnownKey bool
	KnownKeys     *machinekey.KnownKeyList
	// AllowWeakKey makes keys that can be guessed a warning.
	AllowWeakKey bool
	// Certificate holds the transforms for sessions under a certificate, one chain for each
	// HashName; nil for none.
	Certificate [][]sessiontoken.Protector
	// Apps are application names, or content roots, to try on key rings, and Purposes what the node
	// unprotects a payload with that is no credential.
	Apps, Purposes []string
	// Trying, if not nil, is told which credential Examine takes up, such as "the cookie FedAuth".
	Trying func(credential string)
}

// Report is the result of an examination, in the form of -json.
type Report struct {
	OK   bool      `json:"ok"`
	Code string    `json:"code"` // of the finding at the top
	At   time.Time `json:"at"`
	// Finding is the one to act on first.
	Finding     Finding      `json:"finding"`
	Nodes       []NodeReport `json:"nodes"`
	Credentials []Credential `json:"credentials,omitempty"`
	Comparison  *Comparison  `json:"comparison,omitempty"`
}

// NodeReport describes a web.config without any secret.
type NodeReport struct {
	File string `json:"file"`
	// KeyID is a fingerprint, safe to log; empty if there is no usable key.
	KeyID      string `json:"keyId,omitempty"`
	Validation string `json:"validation,omitempty"`
	Decryption string `json:"decryption,omitempty"`
	Mode       string `json:"mode,omitempty"`
	ModeFrom   string `json:"modeFrom,omitempty"`
	ModeLine   int    `json:"modeLine,omitempty"`
	Session    string `json:"session,omitempty"` // how sessions of WIF are protected
	// What a node says that has a key ring.
	Application string    `json:"applicationName,omitempty"`
	Scheme      string    `json:"scheme,omitempty"`
	Cookie      string    `json:"cookie,omitempty"`
	Warnings    []Warning `json:"warnings,omitempty"`
}

// Credential is one credential of the input.
type Credential struct {
	Name     string `json:"name,omitempty"` // of the cookie
	Kind     Kind   `json:"kind"`           // by its name
	AuthType string `json:"authenticationType,omitempty"`
	OK       bool   `json:"ok"` // every node reads it
	// Verdicts has one entry for each node, in their order.
	Verdicts []Verdict `json:"nodes"`
	Length   int       `json:"length"`
	Chunks   []Chunk   `json:"chunks,omitempty"`
	Problems []string  `json:"problems,omitempty"` // with the chunks
	// Layers end with the one that refuses it, on the first node or under OpenedBy.
	Layers   []Layer   `json:"layers,omitempty"`
	OpenedBy *OpenedBy `json:"openedBy,omitempty"`
	// User and the times are set if the credential is authentic.
	User  string     `json:"user,omitempty"`
	From  *time.Time `json:"from,omitempty"`
	To    *time.Time `json:"to,omitempty"`
	Tried Tried      `json:"tried"`

	label string // for a sentence
}

// Verdict is whether one node reads a credential.
type Verdict struct {
	File string `json:"file"`
	OK   bool   `json:"ok"`
	// Layer is the layer that refuses it on this node: "cookie" for its chunks, "configuration" for
	// an unusable <machineKey>, or the name of a layer.
	Layer    string    `json:"layer,omitempty"`
	Findings []Finding `json:"findings,omitempty"` // the one to act on first

	faulty bool // the node has no usable machine key
}

// Chunk is one cookie of a credential.
type Chunk struct {
	Name   string `json:"name"`
	Size   int    `json:"size"`
	Copies int    `json:"copies"`
	Differ bool   `json:"copiesDiffer,omitempty"`
	Joined bool   `json:"joined"`
}

// Chunks describes a set, as a list that is not nil.
func Chunks(set *chunks.Set) []Chunk {
	list := []Chunk{}
	for i, c := range set.Chunks {
		list = append(list, Chunk{c.Name, c.Size, c.Copies, c.Differ, i < set.Joined})
	}
	return list
}

// OpenedBy is the setup that opens a credential.
type OpenedBy struct {
	Kind       Kind   `json:"kind"`
	AuthType   string `json:"authenticationType,omitempty"`
	File       string `json:"file"` // whose keys
	Validation string `json:"validation,omitempty"`
	Decryption string `json:"decryption,omitempty"`
	Mode       string `json:"mode,omitempty"`
	API        string `json:"api,omitempty"` // MachineKey.Protect or Encode, for sessions
	Protection string `json:"protection,omitempty"`
	Unsigned   bool   `json:"unsigned,omitempty"`
	OldLayout  bool   `json:"oldLayout,omitempty"`
	// Key and Application are those of a key ring.
	Key         string `json:"keyId,omitempty"`
	Application string `json:"applicationName,omitempty"`
}

// Tried counts the attempts of a search, zero without a search.
type Tried struct {
	Texts      int `json:"texts"`      // readings of the credential's text
	Keys       int `json:"keys"`       // keys of the files, in each place
	Algorithms int `json:"algorithms"` // of signature and cipher
	Purposes   int `json:"purposes"`
	// Signatures counts compared combinations of text, key, algorithm and purpose, Openings the
	// opened ones.
	Signatures int `json:"signatures"`
	Openings   int `json:"openings"`
	// Hashed counts the hashed bytes.
	Hashed int `json:"hashedBytes"`
	// Complete is false if a bound ended the search.
	Complete bool `json:"complete"`
}

// report describes the node.
func (n *Node) report() NodeReport {
	r := NodeReport{File: n.file}
	if n.ring != nil {
		own := n.site.Of(site.Core, "")
		r.Application, r.Scheme, r.Cookie = n.ring.App, own.AuthenticationType, own.Name
	}
	if !n.hasConfig() {
		return r
	}
	k := &n.key
	r.Validation = cmp.Or(string(k.validation), "unknown")
	if r.Decryption = string(k.decryption); !k.decryptionKnown {
		r.Decryption = "unknown"
	}
	r.Mode, r.ModeFrom, r.ModeLine = string(k.mode), k.ModeFrom, k.ModeLine
	r.Session, r.Warnings = n.session.Protection, n.warnings
	if cfg, err := Config(&k.Key); err == nil {
		cfg.AllowInsecure, cfg.AllowKnownKey, cfg.AllowWeakKey = true, true, true
		if key, err := machinekey.New(cfg); err == nil {
			r.KeyID = key.ID()
		}
	}
	return r
}

// opening describes the setup of a hit.
func (h *hit) opening() *OpenedBy {
	o := &OpenedBy{Kind: h.kind, AuthType: h.authType, File: h.validationKey.node.file,
		Unsigned: h.unsigned, OldLayout: h.oldLayout}
	if !h.anyValidation {
		o.Validation = string(h.validation)
	}
	if !h.anyCipher && h.decryptionKey.bytes.Len() > 0 {
		o.Decryption = string(h.cipher)
	}
	switch {
	case h.kind.IsModal():
		o.Mode = string(h.mode)
		if isLegacy(h.mode) {
			o.Protection = string(h.protection)
		}
	case h.encode:
		o.API = "MachineKey.Encode"
	default:
		o.API = "MachineKey.Protect"
	}
	return o
}
