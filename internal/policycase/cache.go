package policycase

import (
	"sync"

	"github.com/litentry/wallet-federation/internal/bucketpolicy"
	"github.com/litentry/wallet-federation/internal/policy"
)

const (
	maxCached     = 256
	maxCachedSize = 16 << 10
)

// documentCache keeps policies that have been read: the cases of a stream are
// mostly about the same few, and reading them is most of the work. It forgets
// all when it is full, and so holds at most maxCached documents of at most
// maxCachedSize bytes.
type documentCache struct {
	mu        sync.Mutex
	documents map[cacheKey]*policy.Document
}

// cacheKey is a text and what it is read as: a policy of a kind or, if bucket is
// an ARN, one that this bucket is to take.
type cacheKey struct {
	kind         policy.Kind
	bucket, text string
}

// read returns the document that parse makes of text. What parse refuses is not
// kept.
func (c *documentCache) read(kind policy.Kind, bucket string, text []byte, parse func() (*policy.Document, error)) (*policy.Document, error) {
	c.mu.Lock()
	document := c.documents[cacheKey{kind, bucket, string(text)}]
	c.mu.Unlock()
	if document != nil {
		return document, nil
	}
	document, err := parse()
	if err != nil || len(text) > maxCachedSize {
		return document, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.documents == nil || len(c.documents) == maxCached {
		c.documents = make(map[cacheKey]*policy.Document, maxCached)
	}
	c.documents[cacheKey{kind, bucket, string(text)}] = document
	return document, nil
}

// parse reads a policy of a kind.
func (c *documentCache) parse(kind policy.Kind, text []byte) (*policy.Document, error) {
	return c.read(kind, "", text, func() (*policy.Document, error) { return policy.Parse(kind, text) })
}

// admit reads a policy that a bucket is to take.
func (c *documentCache) admit(bucketARN string, text []byte) (*policy.Document, error) {
	return c.read(policy.Bucket, bucketARN, text, func() (*policy.Document, error) { return bucketpolicy.Admit(bucketARN, text) })
}
