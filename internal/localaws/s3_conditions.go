package localaws

import (
	"net/http"
	"strings"
	"time"
)

// preconditions are what a request demands of the object that is stored.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
type preconditions struct {
	match, noneMatch string // entity tags; empty for none
	// The zero time is no condition.
	modifiedSince, unmodifiedSince time.Time
}

// copySourceConditions is the prefix of the headers that bind a copy's source.
const copySourceConditions = "X-Amz-Copy-Source-"

// readConditions reads the conditional headers of a prefix, which is empty for
// the object of the request itself. A malformed date counts for nothing, as HTTP
// has it.
func readConditions(header http.Header, prefix string) preconditions {
	date := func(name string) time.Time {
		at, err := http.ParseTime(header.Get(prefix + name))
		if err != nil {
			return time.Time{}
		}
		return at
	}
	return preconditions{
		match: header.Get(prefix + "If-Match"), noneMatch: header.Get(prefix + "If-None-Match"),
		modifiedSince: date("If-Modified-Since"), unmodifiedSince: date("If-Unmodified-Since"),
	}
}

// removeConditions takes the conditional headers out, which gofakes3 would judge
// by the wrong entity tag.
func removeConditions(header http.Header) {
	for _, prefix := range []string{"", copySourceConditions} {
		for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
			header.Del(prefix + name)
		}
	}
}

// failed tells that If-Match or If-Unmodified-Since does not hold. A tag that
// matches makes the date irrelevant.
func (c preconditions) failed(o *storedObject) bool {
	if c.match != "" {
		return !matchesTag(c.match, o.etag())
	}
	return !c.unmodifiedSince.IsZero() && o.modified.Truncate(time.Second).After(c.unmodifiedSince)
}

// notModified tells that the client has the object already, by If-None-Match or
// If-Modified-Since. A tag makes the date irrelevant.
func (c preconditions) notModified(o *storedObject) bool {
	if c.noneMatch != "" {
		return matchesTag(c.noneMatch, o.etag())
	}
	return !c.modifiedSince.IsZero() && !o.modified.Truncate(time.Second).After(c.modifiedSince)
}

// checkWrite judges a write by the object that it would replace, nil for none.
func (c preconditions) checkWrite(current *storedObject) *apiError {
	switch {
	case c.match != "" && current == nil:
		return noSuchKey()
	case c.match != "" && !matchesTag(c.match, current.etag()):
		return preconditionFailed()
	case c.noneMatch != "" && current != nil:
		return preconditionFailed()
	}
	return nil
}

// checkWriteHeaders refuses the conditions that a write does not know: AWS takes
// nothing but a star for If-None-Match.
func (c preconditions) checkWriteHeaders() *apiError {
	if c.noneMatch != "" && (c.noneMatch != "*" || c.match != "") {
		return notImplemented()
	}
	return nil
}

// matchesTag tells whether a list of entity tags, or a star, names a tag.
func matchesTag(list, tag string) bool {
	for candidate := range strings.SplitSeq(list, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == "*" || strings.Trim(candidate, `"`) == strings.Trim(tag, `"`) {
			return true
		}
	}
	return false
}

func preconditionFailed() *apiError {
	return newError(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}
