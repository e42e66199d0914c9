package policy

// arn matches the segments after the first of a pattern in which confined stars
// occur; confined tells of the star before each segment whether it is.
//
// A group is a free star and the segments up to the next free star. To match a
// group where it first matches leaves most room for the rest, but within a group
// there is a choice: where the first segment is put. As it begins with a colon,
// and confined stars end at the next one, each part of s is looked at only as
// often as the group has colons, so that time stays linear.
func (m *matcher) arn(segments [][]token, confined []bool, at cursor) bool {
	for i := 0; i < len(segments); {
		end := i + 1
		for end < len(segments) && confined[end] {
			end++
		}
		next, ok := m.group(segments[i:end], confined[i], end == len(segments), at)
		if !ok {
			return false
		}
		i, at = end, next
	}
	return true
}

// group matches a group of segments, the last group at the end of s. It returns
// the position after it.
func (m *matcher) group(segments [][]token, confined, last bool, at cursor) (cursor, bool) {
	if confined {
		return m.chain(segments, last, at)
	}
	if last && len(segments) == 1 {
		return at, m.suffix(segments[0], at, false)
	}
	for {
		start, end, ok := m.find(segments[0], at, false)
		if !ok {
			return at, false
		}
		if next, ok := m.chain(segments[1:], last, end); ok {
			return next, true
		}
		if m.atEnd(start) {
			return at, false
		}
		at = m.next(start)
	}
}

// chain matches segments with a confined star before each.
func (m *matcher) chain(segments [][]token, last bool, at cursor) (cursor, bool) {
	for i, segment := range segments {
		if last && i == len(segments)-1 {
			return at, m.suffix(segment, at, true)
		}
		_, end, ok := m.find(segment, at, true)
		if !ok {
			return at, false
		}
		at = end
	}
	return at, true
}
