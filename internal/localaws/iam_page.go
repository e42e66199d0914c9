package localaws

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxMarker is more than AWS's 320 characters: the longest of ours holds the ARN
// of a policy with the longest path and name.
const maxMarker = 1024

var markerPattern = regexp.MustCompile(`^[\x20-\x{ff}]+$`)

// page is the end of every list answer.
type page struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

func newPage(next string) page {
	return page{IsTruncated: next != "", Marker: next}
}

// paginate cuts one page out of items, as Marker and MaxItems ask for; key tells
// them apart. next is the marker of the following page, empty on the last.
func paginate[T any](p params, items []T, key func(T) string) (page []T, next string, failure *apiError) {
	size, failure := p.number("MaxItems", 100, 1, 1000)
	if failure != nil {
		return nil, "", failure
	}
	start := 0
	if p.has("Marker") {
		after, last, failure := p.marker()
		if failure != nil {
			return nil, "", failure
		}
		start = min(after, len(items))
		// Items may have come and gone since the page before.
		if i := slices.IndexFunc(items, func(x T) bool { return key(x) == last }); i >= 0 {
			start = i + 1
		}
	}
	end := min(start+size, len(items))
	if end < len(items) {
		next = newMarker(end-1, key(items[end-1]))
	}
	return items[start:end], next, nil
}

// newMarker makes a marker of the place and the key of the last item of a page.
// If that item is gone by the next page, the item in its place comes first.
func newMarker(place int, key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(place) + "/" + key))
}

// marker reads a marker that newMarker made.
func (p params) marker() (place int, key string, failure *apiError) {
	given := p.text("Marker")
	if failure := p.check(rule{1, maxMarker, markerPattern}, "Marker", given); failure != nil {
		return 0, "", failure
	}
	text, err := base64.RawURLEncoding.DecodeString(given)
	number, key, ok := strings.Cut(string(text), "/")
	place, numberErr := strconv.Atoi(number)
	if err != nil || numberErr != nil || !ok || place < 0 {
		return 0, "", validationError("Invalid Marker.")
	}
	return place, key, nil
}
