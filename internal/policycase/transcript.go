package policycase

import "strings"

// remarks are facts that the recordings of AWS tell in words, and for which the
// format has no member. Only rows that name the file they were recorded in, in
// source_file, are read for the first two: nobody else should have to know
// which words mean something.
type remarks struct {
	// otherOwner: the call named another account than the owner's as the bucket's
	// ExpectedBucketOwner.
	otherOwner bool
	// deleteMarker: the version that the call is about is a delete marker.
	deleteMarker bool
	// simulated: the answer is that of IAM's policy simulator.
	simulated bool
}

func readRemarks(o *object) (remarks, error) {
	var name, source, evidence string
	if err := o.texts(textField{"name", &name}, textField{"source_file", &source}, textField{"evidence", &evidence}); err != nil {
		return remarks{}, err
	}
	r := remarks{simulated: strings.HasPrefix(evidence, "simulator")}
	if source == "" {
		return r, nil
	}
	r.otherOwner = strings.Contains(name, "wrong ExpectedBucketOwner")
	// Rows are named group/step; a step that is about a marker says so.
	step := name[strings.LastIndexByte(name, '/')+1:]
	r.deleteMarker = strings.Contains(step, "-marker")
	return r, nil
}
