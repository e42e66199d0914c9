package policycase

import "encoding/json"

// publicAccessBlock is S3 Block Public Access of a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
type publicAccessBlock struct {
	blockACLs, ignoreACLs, blockPolicy, restrictBuckets bool
	// empty: not one setting is named.
	empty bool
}

func readBlock(path string, raw json.RawMessage) (*publicAccessBlock, error) {
	o, err := parseObject(path, raw)
	if err != nil {
		return nil, err
	}
	b := &publicAccessBlock{empty: len(o.members) == 0}
	settings := map[string]*bool{
		"BlockPublicAcls": &b.blockACLs, "IgnorePublicAcls": &b.ignoreACLs,
		"BlockPublicPolicy": &b.blockPolicy, "RestrictPublicBuckets": &b.restrictBuckets,
	}
	for _, m := range o.members {
		setting, known := settings[m.name]
		if !known {
			return nil, invalid(o.at(m.name), "is not a setting of Block Public Access")
		}
		if *setting, err = o.flag(m.name); err != nil {
			return nil, err
		}
	}
	return b, nil
}
