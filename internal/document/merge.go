package document

import (
	"fmt"
	"strings"
)

// MergeBucketPolicy puts the desired statements of one owner into a bucket's
// policy, and takes out what else is there under the owner's Sids. Statements of
// others keep their bytes and their order.
//
// An empty current policy is no policy. Without desired statements the owner's
// are removed; merged is nil when nothing is left. When the policy already says
// what is desired, merged is current itself and changed is false.
//
// The error is a [RefusedError] when the policy cannot be read, when somebody
// else's statement has a Sid of ours ([ErrSidTaken]), or when our statements need a newer
// language version that would change what others' mean; it wraps [ErrTooLarge]
// when the merged policy is over [MaxBucketPolicy].
func MergeBucketPolicy(current []byte, owner SidPrefix, desired []Statement) (merged []byte, changed bool, err error) {
	if isEmpty(current) {
		return freshPolicy(desired)
	}
	p, err := parse(current)
	if err != nil {
		return nil, false, fmt.Errorf("reading bucket policy: %w", err)
	}
	plan, err := planMerge(p, owner, desired)
	if err != nil {
		return nil, false, fmt.Errorf("merging bucket policy: %w", err)
	}
	if !plan.changed {
		return current, false, nil
	}
	merged = p.render(plan.items, plan.upgrade)
	if err := checkMerged(merged); err != nil {
		return nil, false, err
	}
	return merged, true, nil
}

func freshPolicy(desired []Statement) ([]byte, bool, error) {
	if len(desired) == 0 {
		return nil, false, nil
	}
	policy, err := marshalPolicy(desired)
	if err != nil {
		return nil, false, err
	}
	if err := checkMerged(policy); err != nil {
		return nil, false, err
	}
	return policy, true, nil
}

func checkMerged(policy []byte) error {
	if policy == nil {
		return nil
	}
	size, err := minifiedSize(policy)
	if err != nil {
		return err
	}
	return checkSize("bucket policy", size, MaxBucketPolicy)
}

// mergePlan is the list of statements of the new policy, and whether anything is
// new about it.
type mergePlan struct {
	owner  SidPrefix
	wanted map[string][]byte // by Sid
	placed map[string]bool

	items   []item
	upgrade bool
	changed bool
}

func planMerge(p *parsed, owner SidPrefix, desired []Statement) (*mergePlan, error) {
	wanted, err := marshalStatements(owner, desired)
	if err != nil {
		return nil, err
	}
	plan := &mergePlan{owner: owner, wanted: wanted, placed: map[string]bool{}}
	for _, entry := range p.entries {
		if err := plan.place(entry); err != nil {
			return nil, err
		}
	}
	for _, statement := range desired {
		if !plan.placed[statement.Sid] {
			plan.items = append(plan.items, item{raw: wanted[statement.Sid]})
			plan.changed = true
		}
	}
	if len(desired) == 0 || p.languageVersion() == policyVersion {
		return plan, nil
	}
	plan.upgrade, plan.changed = true, true
	return plan, p.checkUpgrade(owner)
}

// place keeps, replaces or drops one statement of the policy.
func (m *mergePlan) place(entry parsedStatement) error {
	if !m.owner.owns(entry.sid) {
		m.items = append(m.items, item{entry.raw, entry.lead})
		return nil
	}
	if entry.isSquatted(m.owner) {
		if len(m.wanted) > 0 {
			return &RefusedError{Where: entry.where, cause: ErrSidTaken, Reason: fmt.Sprintf(
				"the Sid %q is kept for this federation, but the statement is about another principal: give it another Sid or remove it", entry.sid)}
		}
		m.items = append(m.items, item{entry.raw, entry.lead})
		return nil
	}
	want, ok := m.wanted[entry.sid]
	if !ok || m.placed[entry.sid] {
		m.changed = true
		return nil
	}
	m.placed[entry.sid] = true
	raw := entry.raw
	if len(entry.changesFrom(want)) > 0 {
		raw, m.changed = want, true
	}
	m.items = append(m.items, item{raw, entry.lead})
	return nil
}

// marshalStatements writes the statements, by Sid. A Sid that is not the owner's,
// or not unique, would never be found again.
func marshalStatements(owner SidPrefix, desired []Statement) (map[string][]byte, error) {
	raws := make(map[string][]byte, len(desired))
	for _, statement := range desired {
		if _, doubled := raws[statement.Sid]; doubled || !owner.owns(statement.Sid) {
			return nil, fmt.Errorf("desired Sid %q is there twice or does not begin with %s", statement.Sid, owner)
		}
		raw, err := marshal(statement)
		if err != nil {
			return nil, fmt.Errorf("writing statement %s: %w", statement.Sid, err)
		}
		raws[statement.Sid] = raw
	}
	return raws, nil
}

// owns says whether a Sid is one of the owner's.
func (o SidPrefix) owns(sid string) bool { return strings.HasPrefix(sid, string(o)) }

// isSquatted says whether a statement under a Sid of ours is about other roles
// or users and not about ours: the Sid is made of the role's ARN, so it tells. A
// statement that names none is ours, badly changed.
func (s parsedStatement) isSquatted(owner SidPrefix) bool {
	foreign := false
	for _, element := range []string{"Principal", "NotPrincipal", "Condition"} {
		for text := range textsIn(s.elements[element]) {
			if !isIdentityARN(text) {
				continue
			}
			if sidPrefixOf(text) == owner {
				return false
			}
			foreign = true
		}
	}
	return foreign
}

func isIdentityARN(text string) bool {
	return strings.HasPrefix(text, "arn:") && (strings.Contains(text, ":role/") || strings.Contains(text, ":user/"))
}
