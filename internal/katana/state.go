package katana

// Classes of the middleware that send a state string to an identity provider, with their
// default AuthenticationTypes: the first two purposes, of which "v1" is the third.
// Twitter's holds something else.
const (
	StateGoogle        = "Microsoft.Owin.Security.Google.GoogleOAuth2AuthenticationMiddleware"               // "Google"
	StateFacebook      = "Microsoft.Owin.Security.Facebook.FacebookAuthenticationMiddleware"                 // "Facebook"
	StateMicrosoft     = "Microsoft.Owin.Security.MicrosoftAccount.MicrosoftAccountAuthenticationMiddleware" // "Microsoft"
	StateOpenIDConnect = "Microsoft.Owin.Security.OpenIdConnect.OpenIdConnectAuthenticationMiddleware"       // "OpenIdConnect"
	StateWSFederation  = "Microsoft.Owin.Security.WsFederation.WsFederationAuthenticationMiddleware"         // "Federation"
)

// AppendState appends the bytes of a state string: properties alone, which are
// protected without compression (PropertiesDataFormat).
//
// A state string says where to go after sign-in, and under ".xsrf" which
// browser asked. Katana does not look at its times.
func AppendState(dst []byte, properties [][2]string) ([]byte, error) {
	w := Writer{dst: dst, start: len(dst)}
	w.Properties(properties)
	return w.End()
}

// ReadState returns the properties of a state string. The error is a [*layer.Error].
func ReadState(data []byte) ([][2]string, error) {
	var r Reader
	r.reset(data)
	r.readProperties()
	if err := r.failed(LayerProperties); err != nil {
		return nil, err
	}
	texts := string(r.t.Texts)
	properties := make([][2]string, len(r.t.Properties))
	for i, p := range r.t.Properties {
		properties[i] = [2]string{p[0].Of(texts, ""), p[1].Of(texts, "")}
	}
	return properties, nil
}
