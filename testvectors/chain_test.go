package testvectors_test

import (
	"encoding/base64"
	"testing"

	"github.com/webfarm-go/webfarm/internal/nrbf"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// chained is a session whose protection is not that of WIF 4.5's machine-key
// handler.
type chained struct {
	session
	transforms []sessiontoken.Protector // nil: the default of the format
}

// run does for a chain what runSession does for the machine key of WIF 4.5,
// except for the layers. It reports whether there are any.
func (c *chained) run(t *testing.T) bool {
	t.Helper()
	text, err := join(c.Cookies, c.CookieName)
	if err != nil {
		c.f.refused(t, c.Name, err, declaredClass(err))
		return false
	}
	c.text = text
	c.codec = func(t *testing.T, opts *sessiontoken.SessionOptions) *sessiontoken.SessionCodec {
		t.Helper()
		opts.WIF10, opts.Transforms = c.format == wif.V10, c.transforms
		if c.MachineKey == "" {
			opts.Store = nil // which would need one
			return newCodec(t, nil, opts)
		}
		return newCodec(t, c.MachineKeys.ring(t, c.MachineKey), opts)
	}
	c.chunks(t)
	tok := c.read(t)
	if tok == nil {
		return false // refused, as declared
	}
	c.issue(t, tok)
	c.cacheKey(t, tok)
	return !c.reference()
}

// protected returns what the envelope holds.
func (c *chained) protected(t *testing.T) []byte {
	t.Helper()
	xml, err := base64.StdEncoding.DecodeString(c.text)
	if err != nil {
		t.Fatal(err)
	}
	_, content, _, ok := cutCookie(xml)
	protected, err := base64.StdEncoding.DecodeString(string(content))
	if !ok || err != nil {
		t.Fatalf("no Cookie in the XML: %v", err)
	}
	return protected
}

// payload compares the innermost layers.
func (c *chained) payload(t *testing.T, payload []byte) {
	t.Helper()
	doc, stream := payload, []byte(nil)
	if c.format == wif.V45 {
		var err error
		if doc, err = nrbf.ParseSession(payload); err != nil {
			t.Fatal(err)
		}
		stream = payload
	}
	c.compareStages(t, doc, stream)
}
