package policy

import (
	"strconv"
	"strings"
	"time"
)

// parseDate reads a date in one of the forms of ISO 8601 that W3C's note on
// date and time formats lists, or as seconds since 1970. Four digits are a year.
// A time without zone is UTC. What is finer than a millisecond does not count.
func parseDate(s string) (time.Time, bool) {
	if year := len(s) == len("2006") && isDigits(s); !year && strings.Trim(s, "+-.0123456789") == "" {
		if t, ok := parseEpoch(s); ok {
			return t, true
		}
	}
	layouts := [...]string{
		time.RFC3339, "2006-01-02", "2006-01-02T15:04Z07:00", "2006-01", "2006",
		"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15",
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
}

// parseEpoch reads seconds since 1970, with or without a fraction.
func parseEpoch(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || !isDigits(fraction) {
		return time.Time{}, false
	}
	const precision = len("000")
	millis, err := strconv.ParseInt((fraction + "000")[:precision], 10, 64)
	if strings.HasPrefix(whole, "-") {
		millis = -millis
	}
	return time.Unix(seconds, millis*int64(time.Millisecond)), err == nil
}

type dateOperand struct {
	comparison comparison
	value      time.Time
}

func (o *dateOperand) match(_ Context, value string) verdict {
	t, ok := parseDate(value)
	return verdictOf(ok && o.comparison.accepts(t.Compare(o.value)))
}
