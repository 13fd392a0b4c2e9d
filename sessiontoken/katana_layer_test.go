package sessiontoken

import "github.com/webfarm-go/webfarm/internal/katana"

// marshal returns the innermost layer of a ticket.
func (t *KatanaTicket) marshal() ([]byte, error) { return t.append(nil, new(katana.Writer)) }

// unmarshal reads it as a codec does, and leaves out the checks of store and
// clock.
func (t *KatanaTicket) unmarshal(data []byte) error {
	read, err := new(katana.Reader).Read(data)
	if err != nil {
		return formatError(err)
	}
	*t = *newKatanaTicket(read)
	return nil
}
