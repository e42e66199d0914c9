package strictjson

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"sigs.k8s.io/json"
)

// Unmarshal decodes data into v, which must be a pointer to a struct, or to a map
// where any member may be, as [encoding/json.Unmarshal] does, and refuses what
// that lets pass: invalid UTF-8, members that v does not declare, members named
// twice, names that match only when case is ignored. Errors name members and
// positions, never values of strings, unless a type in v decodes itself and its
// errors do. The caller bounds the size of data.
func Unmarshal(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errors.New("invalid UTF-8")
	}
	strict, err := json.UnmarshalStrict(data, v)
	if err != nil {
		return fmt.Errorf("decoding JSON: %w", err)
	}
	if err := errors.Join(strict...); err != nil {
		return fmt.Errorf("decoding JSON: %w", err)
	}
	return nil
}
