package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	outcomeOK      = "ok"
	outcomeRefused = "refused"
	// reasonOK is the reason of a record whose request succeeded. The others are
	// the codes of failures and the finer ones that callers are not told.
	reasonOK = "ok"

	// anonymousPerSecond and anonymousBurst bound the records of refusals that
	// anyone can cause without so much as a wallet.
	anonymousPerSecond = 10
	anonymousBurst     = 100
)

// auditEvents are what records are about.
var auditEvents = [...]string{"sign_in", "mint", "token_exchange"}

// auditReasons are those that records give. They are also labels of metrics,
// where any other counts as "other".
var auditReasons = setOf(
	reasonOK, reasonNoNonces,
	"unknown_request", "configuration_changed", "message_refused", "signature_malformed", "signature_of_another", "replayed",
	"bearer_missing", session.ErrMalformed.Error(), session.ErrForged.Error(), session.ErrForeign.Error(), session.ErrExpired.Error(),
	"revoked",
	failMediaType.Code, failTooLarge.Code, failRequest.Code, failRole.Code, failNotAdmitted.Code, failAdmissionAway.Code, failNoRoles.Code, failInternal.Code,
	"rate_limited", "overloaded",
	// Of tokens of trusted issuers, and of the token endpoint.
	"issuer_unavailable", "token_malformed", "token_issuer_unknown", "token_algorithm", "token_type", "token_audience", "token_times",
	"token_expired", "token_not_yet_valid", "token_wallet", "token_key_unknown", "token_forged",
	"invalid_client", "unsupported_grant_type", "invalid_scope", "invalid_target",
)

func setOf(words ...string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, word := range words {
		set[word] = true
	}
	return set
}

// record is the audit record of one sign-in or mint. Handlers fill it as they
// learn things, and it is reported once, when they are done. It has no field for
// a bearer, JWT, nonce or signature.
type record struct {
	event  string
	reason string
	// client is the address of who asked, as far as trusted proxies tell.
	client netip.Addr
	wallet wallet.Address
	// proven is whether the caller showed to control the wallet. Before, it is
	// only whom the caller names.
	proven bool
	kid    string
	jti    string
	role   string
	// via is what proved the wallet: viaSession, or the URL of a trusted issuer.
	via string
	// session is the jti of the session or of the trusted issuer's token, bearer
	// the SHA-256 of it.
	session string
	bearer  string
}

// newRecord begins as a failure, so that a handler that panics leaves one.
func newRecord(event string, client netip.Addr) *record {
	return &record{event: event, client: client, reason: failInternal.Code}
}

// refuse gives the reason that callers are told, unless a finer one is known.
func (r *record) refuse(f *failure) {
	if r.reason == failInternal.Code {
		r.reason = f.Code
	}
}

// prove remembers whom the caller showed to be.
func (r *record) prove(w wallet.Address) { r.wallet, r.proven = w, true }

// setBearer remembers which bearer was used, by its hash.
func (r *record) setBearer(bearer string) {
	digest := sha256.Sum256([]byte(bearer))
	r.bearer = hex.EncodeToString(digest[:])
}

// clientText is empty for a connection without an address.
func (r *record) clientText() string {
	if !r.client.IsValid() {
		return ""
	}
	return r.client.String()
}

func (r *record) outcome() string {
	if r.reason == reasonOK {
		return outcomeOK
	}
	return outcomeRefused
}

// auditor writes records. Those of successes and of proven wallets are never
// left out; of the other refusals, which a flood would fill a disk with, so many
// a second are written, and a later record says how many were not.
type auditor struct {
	handler   slog.Handler
	anonymous *rate.Limiter
	omitted   atomic.Int64
}

func newAuditor(logger *slog.Logger) *auditor {
	return &auditor{handler: logger.Handler(), anonymous: rate.NewLimiter(anonymousPerSecond, anonymousBurst)}
}

// report is the end of every sign-in and mint: it counts the record, writes it
// and puts its outcome on the span, if there is one.
func (s *Server) report(ctx context.Context, r *record) {
	s.metrics.exchanged(r)
	span := trace.SpanFromContext(ctx)
	if span.IsRecording() {
		span.SetAttributes(attribute.String("audit.event", r.event), attribute.String("audit.outcome", r.outcome()),
			attribute.String("audit.reason", r.reason))
	}
	now := s.now()
	if !r.proven && r.reason != reasonOK && !s.auditor.anonymous.AllowN(now, 1) {
		s.auditor.omitted.Add(1)
		s.metrics.omitted.Inc()
		return
	}
	s.auditor.write(ctx, r, span.SpanContext(), now)
}

func (a *auditor) write(ctx context.Context, r *record, span trace.SpanContext, now time.Time) {
	if !a.handler.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attributes := [...]slog.Attr{
		slog.String("event", r.event),
		slog.String("outcome", r.outcome()),
		slog.String("reason", r.reason),
		slog.String("client", r.clientText()),
		slog.String("wallet", string(r.wallet)),
		slog.String("kid", r.kid),
		slog.String("jti", r.jti),
		slog.String("role", r.role),
		slog.String("via", r.via),
		slog.String("session", r.session),
		slog.String("bearer_sha256", r.bearer),
	}
	known := slices.DeleteFunc(attributes[:], func(a slog.Attr) bool { return a.Value.String() == "" })
	// Made by hand, without the source position that the logger would look up
	// for each record of one and the same line.
	entry := slog.NewRecord(now, slog.LevelInfo, "audit", 0)
	entry.AddAttrs(known...)
	if span.HasTraceID() {
		entry.AddAttrs(slog.String("trace_id", span.TraceID().String()))
	}
	if omitted := a.omitted.Swap(0); omitted > 0 {
		entry.AddAttrs(slog.Int64("omitted", omitted))
	}
	// There is nowhere to report a log that cannot be written.
	_ = a.handler.Handle(ctx, entry)
}
