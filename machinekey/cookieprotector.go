package machinekey

// CookieProtector protects and unprotects the cookies that System.Web itself
// writes (forms, role and anonymous), each key of the ring in the way of its
// own compatibility mode:
//
//	Framework45                     as a Protector of the purpose does
//	Framework20SP1, Framework20SP2  as a LegacyProtector of the options does
//
// So a farm that changes its mode puts the same keys into the ring twice, the
// new mode first. [Ring.CookieProtector] makes it. It is safe for concurrent
// use, keeps following its ring, and prints without key bytes.
type CookieProtector struct{ binding }

// CookieProtector returns the protector for such a cookie: as long as it is in
// use, the same purpose and options give the same CookieProtector. It returns
// a [*ConfigError] if a key of the ring cannot serve, also one that has no mode
// (ModeUnknown), since .NET writes another cookie in each.
func (r *Ring) CookieProtector(p Purpose, o LegacyOptions) (*CookieProtector, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	c := new(CookieProtector)
	b, err := r.bind(use{pipeline: cookiePipeline, purpose: p, options: o}, &c.binding, c)
	if err != nil {
		return nil, err
	}
	return b.protector.(*CookieProtector), nil
}

// Protect appends the protected form of plaintext to dst, with the primary
// key; see [Protector.Protect] and [LegacyProtector.Protect].
func (c *CookieProtector) Protect(dst, plaintext []byte) ([]byte, error) {
	return c.binding.protect(dst, plaintext)
}

// UnprotectKey appends the plaintext of protected to dst and returns the
// extended slice and the key that opened it; see [Protector.UnprotectKey] and
// [LegacyProtector.UnprotectKey].
func (c *CookieProtector) UnprotectKey(dst, protected []byte) ([]byte, *Key, error) {
	return c.binding.unprotect(dst, protected)
}

// Authenticates reports whether data that key opened is authentic: always,
// but for the options of the legacy modes that are Insecure.
func (c *CookieProtector) Authenticates(key *Key) bool {
	o := c.use.options
	switch {
	case key.Mode() == Framework45:
		return true
	case o.Protection == ProtectionEncryption:
		return !o.InsecureUnsigned
	}
	return o.Protection != InsecureProtectionNone
}

// Options returns the options that c is bound to for keys of a legacy mode.
func (c *CookieProtector) Options() LegacyOptions { return c.use.options }

// bindCookie makes k ready for a cookie in the way of its mode.
func bindCookie(k *Key, u use) (bound, error) {
	switch k.Mode() {
	case Framework45:
		s, err := newSubkey(k, u.purpose)
		if err != nil {
			return nil, err
		}
		return s, nil
	case Framework20SP1, Framework20SP2:
		l, err := newCookieKey(k, u.options)
		if err != nil {
			return nil, err
		}
		return l, nil
	}
	return nil, &ConfigError{Code: "invalid_compatibility_mode", Attribute: "compatibilityMode",
		Found: k.Mode().String() + " in key " + k.ID(),
		Want:  "Framework20SP1, Framework20SP2 or Framework45: .NET writes another cookie in each; read web.config or set Config.Mode"}
}
