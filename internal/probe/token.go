package probe

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/token"
)

// checkToken looks into a token of the broker's without verifying it, which is
// for STS to do. Its kid must be the issuer's active key and it must be pinned to
// the role: the evidence is about such tokens.
func (r *run) checkToken(jwt string) error {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return errors.New("it is not a JWT")
	}
	var header struct {
		KeyID string `json:"kid"`
	}
	if err := decodeSegment(parts[0], &header); err != nil {
		return err
	}
	if header.KeyID != r.config.Key.ID {
		return fmt.Errorf("its kid is %q, and the active key is %q", header.KeyID, r.config.Key.ID)
	}
	claims := map[string]json.RawMessage{}
	if err := decodeSegment(parts[1], &claims); err != nil {
		return err
	}
	var roles []string
	if err := json.Unmarshal(claims[token.RolesClaim], &roles); err != nil || !slices.Contains(roles, r.config.RoleARN) {
		return fmt.Errorf("it is not pinned to the role %s", r.config.RoleARN)
	}
	return nil
}

func decodeSegment(segment string, value any) error {
	text, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		return errors.New("it is not a JWT")
	}
	if err := json.Unmarshal(text, value); err != nil {
		return errors.New("it is not a JWT")
	}
	return nil
}
