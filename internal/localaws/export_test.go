package localaws

import (
	"net/http"
	"strings"
)

// ForeignHandler serves S3 to the role sessions of the account as if they were
// sessions of another one. Sessions of a real other account cannot be had: only
// one account lives here.
func (s *Server) ForeignHandler(account string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, failure := s.authenticate(r)
		if failure != nil {
			writeS3Error(w, r, failure)
			return
		}
		foreign, principal := *c, *c.principal
		principal.Account = account
		principal.ARN = strings.Replace(principal.ARN, s.options.Account, account, 1)
		principal.RoleARN = strings.Replace(principal.RoleARN, s.options.Account, account, 1)
		foreign.principal = &principal
		s.serveS3(w, r, &foreign)
	})
}
