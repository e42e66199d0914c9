package document

import (
	"cmp"
	"fmt"
	"regexp"
)

// uniqueIDForm matches the unique id of a role or a user. S3 shows a principal
// under its id once the role or user of that id is gone.
var uniqueIDForm = regexp.MustCompile(`^A(ROA|IDA)[A-Z0-9]+$`)

// Dangling names the statements of a bucket's policy, those of owner aside,
// whose principals do not exist any more. S3 takes no policy with such a
// statement, so that nothing can be written before somebody has removed it.
//
// The error is a [RefusedError] for a policy that cannot be read.
func Dangling(current []byte, owner SidPrefix) ([]string, error) {
	entries, _, err := readEntries(current)
	if err != nil {
		return nil, fmt.Errorf("reading bucket policy: %w", err)
	}
	var dangling []string
	for _, entry := range entries {
		if owner.owns(entry.sid) {
			continue
		}
		for _, element := range []string{"Principal", "NotPrincipal"} {
			for text := range textsIn(entry.elements[element]) {
				if uniqueIDForm.MatchString(text) {
					dangling = append(dangling, fmt.Sprintf("%s (Sid %q) names %s", entry.where, cmp.Or(entry.sid, "none"), text))
				}
			}
		}
	}
	return dangling, nil
}
