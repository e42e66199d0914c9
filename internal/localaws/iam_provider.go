package localaws

import (
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// issuerRule bounds an issuer URL, audienceRule an audience; a thumbprint is
// the SHA-1 of a certificate.
var (
	issuerRule     = rule{1, 255, nil}
	audienceRule   = rule{1, 255, nil}
	thumbprintRule = rule{40, 40, regexp.MustCompile(`^[0-9A-Fa-f]+$`)}
)

// issuer is the URL that the provider's tokens carry as iss.
func (p *provider) issuer() string {
	return p.scheme + "://" + p.url
}

// providerTarget is the provider that a call names, whether it exists or not.
func providerTarget(_ *Server, q *query) target {
	t := target{arn: q.text("OpenIDConnectProviderArn")}
	if p := q.directory.providers[t.arn]; p != nil {
		t.tags = p.tags
	}
	return t
}

func newProviderTarget(s *Server, q *query) target {
	_, host, _ := strings.Cut(q.text("Url"), "://")
	return target{arn: s.arn("iam", "oidc-provider/"+host)}
}

// provider finds the provider that a call names.
func (q *query) provider() (*provider, *apiError) {
	arn, failure := q.arn("OpenIDConnectProviderArn", "oidc-provider/")
	if failure != nil {
		return nil, failure
	}
	p := q.directory.providers[arn]
	if p == nil {
		return nil, noSuchEntity("OpenIDConnect Provider not found for arn %s", arn)
	}
	return p, nil
}

// changeProvider puts a changed copy in the provider's place, unless change fails.
func (s *Server) changeProvider(q *query, change func(*provider) *apiError) *apiError {
	p, failure := q.provider()
	if failure != nil {
		return failure
	}
	changed := *p
	if failure := change(&changed); failure != nil {
		return failure
	}
	s.change(func(d *directory) { d.providers[changed.arn] = &changed })
	return nil
}

func (s *Server) createProvider(q *query) (any, *apiError) {
	p, failure := s.newProvider(q)
	if failure != nil {
		return nil, failure
	}
	if s.state.providers[p.arn] != nil {
		return nil, alreadyExists("Provider with url %s already exists.", p.issuer())
	}
	if len(s.state.providers) >= maxProviders {
		return nil, quotaError("OpenIdConnectProvidersPerAccount", maxProviders)
	}
	s.change(func(d *directory) { d.providers[p.arn] = p })
	return struct {
		OpenIDConnectProviderArn string
		Tags                     *members[tag] `xml:",omitempty"`
	}{p.arn, p.tags.xml()}, nil
}

// newProvider makes a provider of the parameters of CreateOpenIDConnectProvider.
func (s *Server) newProvider(q *query) (*provider, *apiError) {
	raw, failure := q.matching("Url", issuerRule)
	if failure != nil {
		return nil, failure
	}
	scheme, rest, ok := splitIssuer(raw)
	if !ok {
		return nil, validationError("Invalid Open ID Connect Provider URL")
	}
	p := &provider{scheme: scheme, url: rest, arn: s.arn("iam", "oidc-provider/"+rest), created: s.options.Now()}
	if p.audiences, failure = audiences(q); failure != nil {
		return nil, failure
	}
	if p.thumbprints, failure = thumbprints(q); failure != nil {
		return nil, failure
	}
	p.tags, failure = q.resourceTags(exactly)
	return p, failure
}

// splitIssuer checks an issuer URL and takes its scheme off. AWS takes https
// without a port only. A stand-in has to serve issuers on this machine too, so
// for a loopback host plain http and a port are taken as well.
func splitIssuer(raw string) (scheme, rest string, ok bool) {
	u, err := url.Parse(raw)
	if err != nil || strings.ContainsFunc(raw, isUnprintable) || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#") {
		return "", "", false
	}
	strict := u.Scheme == "https" && u.Port() == ""
	lenient := (u.Scheme == "https" || u.Scheme == "http") && isLoopback(u.Hostname())
	if !strict && !lenient {
		return "", "", false
	}
	rest, ok = strings.CutPrefix(raw, u.Scheme+"://")
	return u.Scheme, rest, ok
}

// isUnprintable tells what no URL has (RFC 3986, section 2): it stands encoded.
func isUnprintable(r rune) bool { return r <= ' ' || r > '~' }

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// audiences reads the parameter ClientIDList.
func audiences(q *query) ([]string, *apiError) {
	list := q.list("ClientIDList")
	if len(list) > maxAudiences {
		return nil, quotaError("ClientIdsPerOpenIdConnectProvider", maxAudiences)
	}
	if failure := q.checkMembers("ClientIDList", list, audienceRule); failure != nil {
		return nil, failure
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// thumbprints reads the parameter ThumbprintList, which may be left out.
func thumbprints(q *query) ([]string, *apiError) {
	list := q.list("ThumbprintList")
	if len(list) > maxThumbprints {
		return nil, invalidInput("Thumbprint list must contain fewer than %d entries.", maxThumbprints)
	}
	if failure := q.checkMembers("ThumbprintList", list, thumbprintRule); failure != nil {
		return nil, failure
	}
	for i, thumbprint := range list {
		list[i] = strings.ToLower(thumbprint)
	}
	return list, nil
}

func (s *Server) getProvider(q *query) (any, *apiError) {
	p, failure := q.provider()
	if failure != nil {
		return nil, failure
	}
	return struct {
		URL            string `xml:"Url"`
		ClientIDList   members[string]
		ThumbprintList members[string]
		CreateDate     string
		Tags           members[tag]
	}{p.url, members[string]{p.audiences}, members[string]{p.thumbprints}, timestamp(p.created), members[tag]{p.tags}}, nil
}

func (s *Server) listProviders(q *query) (any, *apiError) {
	type entry struct{ Arn string }
	var list members[entry]
	for _, arn := range slices.Sorted(maps.Keys(q.directory.providers)) {
		list.Member = append(list.Member, entry{arn})
	}
	return struct{ OpenIDConnectProviderList members[entry] }{list}, nil
}

// deleteProvider refuses to delete what is not there. AWS documents that it
// succeeds then, but it has been seen not to.
func (s *Server) deleteProvider(q *query) (any, *apiError) {
	arn, failure := q.arn("OpenIDConnectProviderArn", "oidc-provider/")
	if failure != nil {
		return nil, failure
	}
	if s.state.providers[arn] == nil {
		return nil, noSuchEntity("OpenId connect Provider %s cannot be found.", arn)
	}
	s.change(func(d *directory) { delete(d.providers, arn) })
	return nil, nil
}

func (s *Server) updateProviderThumbprint(q *query) (any, *apiError) {
	return nil, s.changeProvider(q, func(p *provider) (failure *apiError) {
		p.thumbprints, failure = thumbprints(q)
		if failure == nil && len(p.thumbprints) == 0 && !q.has("ThumbprintList") {
			return missing("ThumbprintList")
		}
		if failure == nil && len(p.thumbprints) == 0 {
			return invalidInput("Thumbprint list must contain at least one entry.")
		}
		return failure
	})
}

// addClientID succeeds, as AWS does, if the audience is there already.
func (s *Server) addClientID(q *query) (any, *apiError) {
	return nil, s.changeProvider(q, func(p *provider) *apiError {
		audience, failure := q.matching("ClientID", audienceRule)
		if failure != nil || slices.Contains(p.audiences, audience) {
			return failure
		}
		if len(p.audiences) >= maxAudiences {
			return quotaError("ClientIdsPerOpenIdConnectProvider", maxAudiences)
		}
		p.audiences = append(slices.Clone(p.audiences), audience)
		return nil
	})
}

// removeClientID succeeds, as AWS does, if the audience is not there.
func (s *Server) removeClientID(q *query) (any, *apiError) {
	return nil, s.changeProvider(q, func(p *provider) *apiError {
		audience, failure := q.matching("ClientID", audienceRule)
		p.audiences = slices.DeleteFunc(slices.Clone(p.audiences), func(a string) bool { return a == audience })
		return failure
	})
}

func (s *Server) tagProvider(q *query) (any, *apiError) {
	return nil, s.changeProvider(q, func(p *provider) (failure *apiError) {
		p.tags, failure = q.mergeTags(p.tags, exactly)
		return failure
	})
}

func (s *Server) untagProvider(q *query) (any, *apiError) {
	return nil, s.changeProvider(q, func(p *provider) (failure *apiError) {
		p.tags, failure = q.removeTags(p.tags, exactly)
		return failure
	})
}

func (s *Server) listProviderTags(q *query) (any, *apiError) {
	p, failure := q.provider()
	if failure != nil {
		return nil, failure
	}
	return q.tagPage(p.tags)
}
