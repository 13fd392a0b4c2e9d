package sessiontoken

import "github.com/webfarm-go/webfarm/internal/limits"

// The bounds of this package besides those of package limits. They hold for
// authenticated data too: whoever holds the farm's key should still not be able to stop a Go node.
const (
	maxText       = limits.Text
	maxToken      = limits.Token
	maxProperties = limits.Properties

	// maxCertificates bounds the certificates of a chain: each one that did
	// not sign a cookie costs an RSA verification.
	maxCertificates = 16
	// maxFormsText bounds the text of a forms ticket, in characters
	// (FormsAuthentication.Decrypt).
	maxFormsText = limits.FormsText
	// maxAnonymousText bounds the text of an anonymous id, and maxAnonymousID
	// the id in it, both in UTF-16 code units (AnonymousIdentificationModule).
	maxAnonymousText = limits.AnonymousText
	maxAnonymousID   = 128
)
