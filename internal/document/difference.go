package document

import (
	"cmp"
	"fmt"
	"strings"
)

// Differences says, one sentence each, how a bucket's policy differs from what
// one owner desires of it. It is empty exactly when [MergeBucketPolicy] would
// change nothing. Statements of others are no difference.
//
// The error is a [RefusedError] for a policy that cannot be read.
func Differences(current []byte, owner SidPrefix, desired []Statement) ([]string, error) {
	entries, version, err := readEntries(current)
	if err != nil {
		return nil, fmt.Errorf("reading bucket policy: %w", err)
	}
	wanted, err := marshalStatements(owner, desired)
	if err != nil {
		return nil, err
	}
	var ours []parsedStatement
	var differences []string
	for _, entry := range entries {
		switch {
		case !owner.owns(entry.sid):
		case !entry.isSquatted(owner):
			ours = append(ours, entry)
		case len(desired) > 0:
			differences = append(differences, fmt.Sprintf("statement %s has a Sid of ours and is about another principal", entry.sid))
		}
	}
	differences = append(differences, compareEntries(ours, desired, wanted)...)
	return append(differences, versionDifference(entries, version, desired)...), nil
}

// TrustDifferences says, one sentence each, how a role's trust policy differs
// from ours. Nothing else belongs there: a statement of anybody's that is not
// ours is a difference. It is empty exactly when the policies are [Equivalent],
// their Id aside.
//
// The error is a [RefusedError] for a policy that cannot be read.
func (f Federation) TrustDifferences(current []byte) ([]string, error) {
	desired, err := f.trustStatements()
	if err != nil {
		return nil, err
	}
	entries, version, err := readEntries(current)
	if err != nil {
		return nil, fmt.Errorf("reading trust policy: %w", err)
	}
	wanted, err := marshalStatements(f.SidPrefix(), desired)
	if err != nil {
		return nil, err
	}
	differences := compareEntries(entries, desired, wanted)
	return append(differences, versionDifference(entries, version, desired)...), nil
}

func readEntries(current []byte) (entries []parsedStatement, version string, err error) {
	if isEmpty(current) {
		return nil, policyVersion, nil
	}
	p, err := parse(current)
	if err != nil {
		return nil, "", err
	}
	return p.entries, p.languageVersion(), nil
}

func versionDifference(entries []parsedStatement, version string, desired []Statement) []string {
	if len(desired) == 0 || len(entries) == 0 || version == policyVersion {
		return nil
	}
	return []string{fmt.Sprintf("the policy's version is %s, in which variables do not work", version)}
}

// compareEntries tells of desired statements that are changed, doubled or
// missing, and of statements that are not desired.
func compareEntries(entries []parsedStatement, desired []Statement, wanted map[string][]byte) []string {
	var differences []string
	tell := func(format string, arguments ...any) {
		differences = append(differences, fmt.Sprintf(format, arguments...))
	}
	seen := map[string]bool{}
	for _, entry := range entries {
		want, ok := wanted[entry.sid]
		switch {
		case !ok:
			tell("statement %q is not wanted", cmp.Or(entry.sid, entry.where))
		case seen[entry.sid]:
			tell("statement %s is there twice", entry.sid)
		default:
			seen[entry.sid] = true
			if changes := entry.changesFrom(want); len(changes) > 0 {
				tell("statement %s was changed: %s", entry.sid, strings.Join(changes, ", "))
			}
		}
	}
	for _, statement := range desired {
		if !seen[statement.Sid] {
			tell("statement %s is missing", statement.Sid)
		}
	}
	return differences
}

// changesFrom names the elements that mean something else than in the statement
// that we wrote. It is empty when the two mean the same.
func (s parsedStatement) changesFrom(written []byte) []string {
	want, err := readNormal(written)
	if err != nil {
		return []string{err.Error()}
	}
	have, err := s.normal()
	if err != nil {
		return []string{err.Error()}
	}
	var changed []string
	for _, name := range knownElements {
		if have[name] != want[name] {
			changed = append(changed, name)
		}
	}
	return changed
}

func readNormal(statement []byte) (normal, error) {
	parsed, err := parseStatement(statement, "Statement")
	if err != nil {
		return nil, err
	}
	return parsed.normal()
}
