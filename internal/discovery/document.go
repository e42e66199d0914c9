package discovery

// Paths below the issuer URL.
const (
	ConfigurationPath = "/.well-known/openid-configuration"
	JWKSPath          = "/.well-known/jwks.json"
	TokenPath         = "/oauth2/token"
)

// AuthorizationServerPath is where RFC 8414 has the document: before the path of
// the issuer URL, not below it.
const AuthorizationServerPath = "/.well-known/oauth-authorization-server"

// GrantTypeTokenExchange is the one grant of issuers of ours (RFC 8693, section
// 2.1).
const GrantTypeTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"

// Document is an OpenID provider configuration, and OAuth authorization server
// metadata (RFC 8414), as far as an issuer without an authorization endpoint has
// one.
type Document struct {
	Issuer                            string   `json:"issuer"`
	JWKSURI                           string   `json:"jwks_uri"`
	TokenEndpoint                     string   `json:"token_endpoint,omitempty"`
	TokenEndpointAuthMethodsSupported []string `json:"token_endpoint_auth_methods_supported,omitempty"`
	GrantTypesSupported               []string `json:"grant_types_supported,omitempty"`
	ResponseTypesSupported            []string `json:"response_types_supported"`
	SubjectTypesSupported             []string `json:"subject_types_supported"`
	IDTokenSigningAlgValuesSupported  []string `json:"id_token_signing_alg_values_supported"`
	ScopesSupported                   []string `json:"scopes_supported,omitempty"`
	ClaimsSupported                   []string `json:"claims_supported,omitempty"`
}

// New returns the document of an issuer of ours: ES256 only, keys at
// [JWKSPath], token exchange by anyone at [TokenPath], and the registered
// claims. The caller appends the claims that depend on its configuration.
func New(issuer string) Document {
	return Document{
		Issuer:                            issuer,
		JWKSURI:                           issuer + JWKSPath,
		TokenEndpoint:                     issuer + TokenPath,
		TokenEndpointAuthMethodsSupported: []string{"none"},
		GrantTypesSupported:               []string{GrantTypeTokenExchange},
		ResponseTypesSupported:            []string{"id_token"},
		SubjectTypesSupported:             []string{"public"},
		IDTokenSigningAlgValuesSupported:  []string{"ES256"},
		ScopesSupported:                   []string{"openid"},
		ClaimsSupported:                   []string{"iss", "sub", "aud", "iat", "nbf", "exp", "jti"},
	}
}
