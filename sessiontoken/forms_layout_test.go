package sessiontoken

import (
	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/forms"
)

// readForms reads the bytes of a ticket into t, as Decode does.
func readForms(t *FormsTicket, data []byte, old bool) error {
	var read forms.Ticket
	var err error
	if old {
		_, err = read.ReadOld(data, nil)
	} else {
		_, err = read.Read(data, nil)
	}
	if err != nil {
		return formatError(err)
	}
	t.fill(&read)
	return nil
}

// urlToken and fromURLToken are the text of cookieless tickets and small
// cookies.
func urlToken(data []byte) string { return string(base64.AppendURLToken(nil, data)) }

func fromURLToken(text string) ([]byte, error) {
	data, ok := base64.AppendURLTokenDecode(nil, text)
	if !ok {
		return nil, ErrInvalid
	}
	return data, nil
}
