package doctor

import (
	"context"
	"slices"

	"github.com/webfarm-go/webfarm/machinekey"
)

// hit is a setup under which a text opens.
type hit struct {
	setup
	opened  opened
	purpose *purpose // of data that nothing here reads, with opened.partly
}

// trace is the result of a search without a hit.
type trace struct {
	// signed is the first valid signature. Nothing could be opened behind it.
	signed *signature
	// decrypts is the setup of the node that reads the text but for its signature, which is nobody's.
	decrypts *setup
}

// search finds the setup that opens text. Readable contents come before authentic data.
func (e *exam) search(ctx context.Context, text string, f found) (*hit, trace) {
	want := f.kind
	list := carriers(text)
	var t trace
	var partly *hit
	for _, s := range e.signatures(list) {
		if s.purpose != nil && (s.purpose.kind == "" || s.purpose.kind == State) {
			return &hit{setup: setup{kind: s.purpose.kind, validation: s.validation,
				validationKey: s.key, mode: machinekey.Framework45}, opened: opened{partly: true},
				purpose: s.purpose}, t
		}
		setups := e.behind(s, want)
		if len(setups) == 0 && partly == nil {
			partly = &hit{setup: setup{validation: s.validation, validationKey: s.key},
				opened: opened{partly: true}, purpose: &oldSignature}
		}
		for _, c := range setups {
			o, ok := e.open(ctx, c, text)
			if ok && o.whole {
				return &hit{setup: c, opened: o}, t
			}
			if ok && o.partly && partly == nil {
				partly = &hit{setup: c, opened: o}
			}
		}
		if t.signed == nil && len(setups) > 0 {
			t.signed = &s
		}
	}
	if partly != nil || t.signed != nil {
		return partly, t
	}
	if len(list) > 0 {
		t.decrypts = e.decrypts(ctx, text, f)
	}
	if t.decrypts != nil {
		return nil, t
	}
	return e.unsigned(ctx, text, list, want), t
}

// open is setup.open, counted.
func (e *exam) open(ctx context.Context, s setup, text string) (opened, bool) {
	if e.spent(&e.triedOpen, maxOpen) {
		return opened{}, false
	}
	return s.open(ctx, text, view{now: e.o.Now, skew: e.nodes[0].skew()})
}

// behind returns the setups that fit a signature: its kinds, with every decryption key and cipher.
// The wanted kind comes first.
func (e *exam) behind(s signature, want Kind) []setup {
	var shells []setup
	add := func(kinds []Kind, c setup) {
		if i := slices.Index(kinds, want); i > 0 {
			kinds = slices.Insert(slices.Delete(kinds, i, i+1), 0, want)
		}
		for _, c.kind = range kinds {
			shells = append(shells, c)
		}
	}
	switch p := s.purpose; {
	case p != nil && p.kind == FedAuth:
		add([]Kind{FedAuth, WIF10}, setup{})
	case p != nil:
		add([]Kind{p.kind}, setup{authType: p.authType, mode: machinekey.Framework45})
		if p.kind == Forms {
			add([]Kind{Forms}, setup{mode: machinekey.Framework45, oldLayout: true})
		}
	case s.carrier.shape == shapeSessionHex:
		add([]Kind{WIF10, FedAuth}, setup{encode: true})
	case s.carrier.shape == shapeHex, s.carrier.shape == shapeURLToken:
		c := setup{mode: machinekey.Framework20SP1}
		for _, c.protection = range protections {
			add([]Kind{Forms, Anonymous, Roles}, c)
		}
		c.oldLayout = true
		for _, c.protection = range protections {
			add([]Kind{Forms}, c)
		}
	}
	var list []setup
	for _, c := range shells {
		c.validation, c.validationKey = s.validation, s.key
		if c.kind.IsModal() && c.mode != machinekey.Framework45 &&
			c.protection == machinekey.ProtectionValidation {
			c.anyCipher, c.cipher = true, machinekey.AES
			c.decryptionKey = keyBytes{node: s.key.node,
				bytes: machinekey.NewSecret(make([]byte, 16))}
			list = append(list, c)
			continue
		}
		for _, key := range e.decryptionKeys {
			for _, cipher := range ciphers {
				if fits(cipher, key.bytes.Len()) {
					c.cipher, c.decryptionKey = cipher, key
					list = append(list, c)
				}
			}
		}
	}
	return list
}

// unsigned tries data of the legacy modes without a signature, encrypted or plain. A hit must read
// to the last byte.
func (e *exam) unsigned(ctx context.Context, text string, list []carrier, want Kind) *hit {
	var kinds []Kind
	for _, c := range list {
		switch {
		case c.shape == shapeSessionHex:
			kinds = []Kind{WIF10, FedAuth}
		case c.shape != shapeHex && c.shape != shapeURLToken:
		case want == Anonymous:
			kinds = []Kind{Anonymous, Forms}
		default:
			kinds = []Kind{Forms, Anonymous}
		}
	}
	for _, kind := range kinds {
		for _, old := range []bool{false, true} {
			for _, c := range e.unsignedSetups() {
				if old && kind != Forms ||
					kind.IsSession() && c.protection != machinekey.ProtectionAll {
					continue
				}
				c.kind, c.oldLayout, c.encode = kind, old, kind.IsSession()
				if o, ok := e.open(ctx, c, text); ok && o.whole {
					return &hit{setup: c, opened: o}
				}
			}
		}
	}
	return nil
}

// unsignedSetups are the setups without a signature, for any kind. The two legacy modes differ here.
func (e *exam) unsignedSetups() []setup {
	zero := keyBytes{node: e.nodes[0], bytes: machinekey.NewSecret(make([]byte, 32))}
	var all, encrypted []setup
	for _, mode := range []machinekey.Mode{machinekey.Framework20SP1, machinekey.Framework20SP2} {
		for _, dk := range e.decryptionKeys {
			for _, cipher := range ciphers {
				if !fits(cipher, dk.bytes.Len()) {
					continue
				}
				s := setup{mode: mode, decryptionKey: dk, cipher: cipher, unsigned: true,
					protection: machinekey.ProtectionAll}
				for _, s.validationKey = range e.validationKeys {
					for _, s.validation = range validations {
						all = append(all, s)
					}
				}
				// The validation key plays no part.
				s.protection, s.anyValidation = machinekey.ProtectionEncryption, true
				s.validation, s.validationKey = machinekey.HMACSHA1, zero
				s.validationKey.node, s.validationKey.attribute = dk.node, "validationKey"
				encrypted = append(encrypted, s)
			}
		}
	}
	// plain data: any key will do
	return append(append(all, encrypted...), setup{mode: machinekey.Framework20SP1,
		validation: machinekey.HMACSHA1, validationKey: zero, decryptionKey: zero,
		cipher: machinekey.AES, protection: machinekey.InsecureProtectionNone,
		anyValidation: true, anyCipher: true})
}
