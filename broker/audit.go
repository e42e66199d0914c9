package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/litentry/wallet-federation/internal/wallet"
)

// reasonOK is the reason of a record whose request succeeded. The others are
// the codes of failures and the finer ones that callers are not told.
const reasonOK = "ok"

// record is the audit record of one sign-in or mint. Handlers fill it as they
// learn things, and it is written once, when they are done. It has no field for
// a bearer, JWT, nonce or signature.
type record struct {
	event  string
	reason string
	// client is the address of who asked, as far as trusted proxies tell.
	client netip.Addr
	wallet wallet.Address
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

func (r *record) write(ctx context.Context, logger *slog.Logger, now time.Time) {
	handler := logger.Handler()
	if !handler.Enabled(ctx, slog.LevelInfo) {
		return
	}
	outcome := "refused"
	if r.reason == reasonOK {
		outcome = "ok"
	}
	attributes := [...]slog.Attr{
		slog.String("event", r.event),
		slog.String("outcome", outcome),
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
	// There is nowhere to report a log that cannot be written.
	_ = handler.Handle(ctx, entry)
}
