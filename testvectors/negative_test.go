package testvectors_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// negativeVector is a request whose cookies are mostly not good. Either the
// token was read, and Validate says what became of it, or Error says why not.
type negativeVector struct {
	Name, Desc, Provenance string
	MachineKey, CookieName string
	Cookies                []cookieJSON
	ValidatePath           string
	TokenRead              *model
	Validate               *validationJSON
	Error, Message, Inner  string
}

func runNegative(t *testing.T, f *file) {
	var content struct {
		keyedFile
		Vectors []negativeVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	each(t, f, content.Vectors, func(v *negativeVector) string { return v.Name },
		func(t *testing.T, v *negativeVector) {
			if (v.TokenRead == nil) == (v.Error == "") ||
				(v.TokenRead == nil) != (v.Validate == nil) {
				t.Fatal("neither an error nor a token that was read and validated")
			}
			if v.Error != "" {
				v.refused(t, &content.keyedFile)
			} else {
				v.accepted(t, f, &content.keyedFile)
			}
		})
}

// open joins the cookies and decodes the text.
func (v *negativeVector) open(t *testing.T, k *keyedFile, opts *sessiontoken.SessionOptions) (*sessiontoken.Token, error) {
	t.Helper()
	text, err := join(v.Cookies, v.CookieName)
	if err != nil {
		return nil, err
	}
	return newCodec(t, k.MachineKeys.ring(t, v.MachineKey), opts).Decode(context.Background(), text)
}

// refused wants an error of the right kind.
func (v *negativeVector) refused(t *testing.T, k *keyedFile) {
	tok, err := v.open(t, k, reading(nil))
	switch {
	case err == nil:
		t.Errorf("read as %v; .NET refuses: %s %s", tok, v.Error, v.Message)
	case v.Error == "NoCookie":
		if !errors.Is(err, chunks.ErrNoCookie) {
			t.Errorf("error %v, want ErrNoCookie", err)
		}
	case strings.HasSuffix(v.Error, ".CryptographicException"):
		// Nothing may be told about bytes that are not authentic.
		if err != sessiontoken.ErrInvalid && !errors.Is(err, layer.ErrDPAPI) {
			t.Errorf("error %v, want ErrInvalid as it is", err)
		}
	case !errors.Is(err, sessiontoken.ErrInvalid) && !errors.Is(err, sessiontoken.ErrUnsupported) &&
		!errors.Is(err, sessiontoken.ErrNotInStore):
		t.Errorf("undocumented error %v", err)
	}
}

// accepted wants the token that .NET read, and the verdict of its validation.
func (v *negativeVector) accepted(t *testing.T, f *file, k *keyedFile) {
	_, verdict := v.open(t, k, k.judging(v.Validate, v.ValidatePath, nil))
	tok, err := v.open(t, k, reading(nil))
	if err == nil {
		v.TokenRead.compare(t, f, tok)
		v.Validate.compare(t, verdict)
		return
	}
	if v.Validate.Valid != nil && !*v.Validate.Valid {
		v.Validate.compare(t, verdict) // .NET refuses it too, one step later
		return
	}
	f.refused(t, v.Name, err, declaredClass(err))
}
