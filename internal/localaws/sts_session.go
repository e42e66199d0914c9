package localaws

import (
	"net/http"
	"time"
)

const (
	// maxSessions bounds the temporary credentials that are kept.
	maxSessions = 100_000
	// expiredKept is how long credentials are remembered after their end, so
	// that using them is answered with ExpiredToken.
	expiredKept = time.Hour
	// These are fitted to the recordings, in which a web identity session without
	// policies is reported as 24 to 26 percent, and as 34 with a subject of 300
	// characters. Sizes are in bytes.
	packedWebIdentity    = 797
	packedSourceIdentity = 20
	packedUnit           = 32 // one percent
	maxPackedPercent     = 100
)

type credentialsXML struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

type assumedRoleUserXML struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	Arn           string
}

// packedPercent estimates how full the session's packed policies and tags are.
// AWS documents neither the format nor the limit.
func (a *assumption) packedPercent() int {
	size := a.policySize
	if a.provider != "" {
		size += packedWebIdentity + len(a.subject)
	}
	for _, t := range a.tags {
		size += len(t.Key) + len(t.Value)
	}
	if a.sourceIdentity != "" {
		size += packedSourceIdentity + len(a.sourceIdentity)
	}
	return size / packedUnit
}

// checkPacked refuses what does not fit into a session token.
func (a *assumption) checkPacked() *apiError {
	percent := a.packedPercent()
	if percent <= maxPackedPercent {
		return nil
	}
	message := "Packed size of session tags consumes %d%% of allotted space."
	if len(a.policies) > 0 {
		message = "Packed policy consumes %d%% of allotted space, please use smaller policy."
	}
	return newError(http.StatusBadRequest, "PackedPolicyTooLarge", message, percent)
}

// issue makes temporary credentials for a role.
func (s *Server) issue(r *role, a *assumption) (*session, *apiError) {
	now := s.options.Now()
	issued := &session{
		accessKeyID:    newAccessKeyID(),
		secret:         newSecret(30),
		token:          newSecret(192),
		roleName:       r.name,
		roleID:         r.id,
		roleARN:        r.arn,
		name:           a.sessionName,
		tags:           a.tags,
		transitive:     a.transitive,
		policies:       a.policies,
		provider:       a.provider,
		sourceIdentity: a.sourceIdentity,
		issued:         now,
		expires:        now.Add(a.duration),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.state.sessions) >= maxSessions {
		s.state.forgetExpired(now.Add(-expiredKept))
	}
	if len(s.state.sessions) >= maxSessions {
		return nil, newError(http.StatusServiceUnavailable, "ServiceUnavailable", "Too many sessions are open.")
	}
	s.state.sessions[issued.accessKeyID] = issued
	return issued, nil
}

// forgetExpired drops the sessions that ended before a time.
func (a *accountState) forgetExpired(before time.Time) {
	for id, old := range a.sessions {
		if old.expires.Before(before) {
			delete(a.sessions, id)
		}
	}
}

func (i *session) credentialsXML() credentialsXML {
	return credentialsXML{
		AccessKeyID:     i.accessKeyID,
		SecretAccessKey: i.secret,
		SessionToken:    i.token,
		Expiration:      timestamp(i.expires),
	}
}

func (s *Server) assumedRoleUserXML(i *session) assumedRoleUserXML {
	return assumedRoleUserXML{
		AssumedRoleID: i.roleID + ":" + i.name,
		Arn:           s.arn("sts", "assumed-role/"+i.roleName+"/"+i.name),
	}
}
