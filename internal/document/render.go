package document

import (
	"bytes"
	"cmp"
	"slices"
)

// item is one statement of a policy to be written. Its lead is the text before
// it, if it has a place in the policy already.
type item struct {
	raw  []byte
	lead []byte
}

// edit replaces a part of a source.
type edit struct {
	start, end int
	text       []byte
}

// render writes the policy with other statements and keeps every other byte. It
// is nil when no statement is left, because AWS takes no policy without one.
func (p *parsed) render(items []item, upgrade bool) []byte {
	if len(items) == 0 {
		return nil
	}
	edits := []edit{{p.body.start, p.body.end, p.renderBody(items)}}
	if upgrade {
		edits = append(edits, p.upgradeEdit())
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })

	var out bytes.Buffer
	last := 0
	for _, e := range edits {
		out.Write(p.source[last:e.start])
		out.Write(e.text)
		last = e.end
	}
	out.Write(p.source[last:])
	return out.Bytes()
}

func (p *parsed) renderBody(items []item) []byte {
	if !p.list && len(items) == 1 {
		return items[0].raw
	}
	var body bytes.Buffer
	body.WriteByte('[')
	for i, it := range items {
		body.Write(separate(it.lead, i == 0))
		body.Write(it.raw)
	}
	body.Write(p.tail())
	return body.Bytes()
}

// separate makes the text before a statement right for its new place: a comma
// before every statement but the first.
func separate(lead []byte, first bool) []byte {
	comma := bytes.IndexByte(lead, ',')
	switch {
	case first && comma >= 0:
		return slices.Delete(bytes.Clone(lead), comma, comma+1)
	case !first && comma < 0:
		return append([]byte{','}, lead...)
	}
	return lead
}

func (p *parsed) upgradeEdit() edit {
	if p.version == nil {
		return edit{p.opening, p.opening, []byte(`"Version":"` + policyVersion + `",`)}
	}
	return edit{p.version.start, p.version.end, []byte(`"` + policyVersion + `"`)}
}

// RemoveStatements takes out of a policy the statements for which drop is true;
// drop gets the statement's place, counted from zero, and its Sid. What is left
// keeps its bytes; it is nil when no statement is left, and document itself when
// nothing was removed.
//
// The error is a [RefusedError] for a document that cannot be read.
func RemoveStatements(document []byte, drop func(index int, sid string) bool) (rest []byte, removed int, err error) {
	p, err := parse(document)
	if err != nil {
		return nil, 0, err
	}
	kept := make([]item, 0, len(p.entries))
	for i, entry := range p.entries {
		if !drop(i, entry.sid) {
			kept = append(kept, item{entry.raw, entry.lead})
		}
	}
	if len(kept) == len(p.entries) {
		return document, 0, nil
	}
	return p.render(kept, false), len(p.entries) - len(kept), nil
}
