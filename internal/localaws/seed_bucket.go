package localaws

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// s3Call is a call of S3 by the administrator. Its body is XML, unless it is
// bytes.
type s3Call struct {
	operation string
	method    string
	key       string
	query     string
	header    map[string]string
	body      any
}

// s3 makes a call on a bucket. That it is recognized as the call that is meant
// makes sure that the names in it are not taken for something else.
func (p *planter) s3(ctx context.Context, path, bucket string, call s3Call) error {
	r, err := call.request(ctx, bucket)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	q, failure := p.server.readS3(r, p.server.administrator())
	if failure == nil && (q.operation.name != call.operation || q.bucket != bucket || q.key != call.key) {
		failure = newError(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	}
	if failure == nil {
		failure = p.server.answerS3(q)
	}
	if failure != nil {
		return seedError(path, failure)
	}
	return ctx.Err()
}

func (c *s3Call) request(ctx context.Context, bucket string) (*http.Request, error) {
	body, ok := c.body.([]byte)
	if !ok && c.body != nil {
		var err error
		if body, err = xml.Marshal(c.body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, c.method, "http://localhost/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.URL = &url.URL{Path: "/" + bucket, RawQuery: c.query}
	if c.key != "" {
		r.URL.Path += "/" + c.key
	}
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	return r, nil
}

// bucket makes a bucket. Its objects come before its policy, which may be meant
// to keep the administrator out.
func (p *planter) bucket(ctx context.Context, path string, b *seedBucket) error {
	if p.server.storage.bucket(b.Name) != nil {
		return nil
	}
	if err := p.s3(ctx, path, b.Name, b.create()); err != nil {
		return err
	}
	p.undo = append(p.undo, func() { p.removeBucket(b.Name) })
	if b.PublicAccessBlock != nil {
		call := s3Call{operation: "PutPublicAccessBlock", method: http.MethodPut, query: "publicAccessBlock", body: b.PublicAccessBlock}
		if err := p.s3(ctx, path+".publicAccessBlock", b.Name, call); err != nil {
			return err
		}
	}
	if b.Versioning != "" {
		if err := p.s3(ctx, path+".versioning", b.Name, b.setVersioning()); err != nil {
			return err
		}
	}
	for i := range b.Objects {
		if err := p.s3(ctx, path+"."+at("objects", i), b.Name, b.Objects[i].put()); err != nil {
			return err
		}
	}
	if b.Policy == nil {
		return nil
	}
	return p.s3(ctx, path+".policy", b.Name, s3Call{operation: "PutBucketPolicy", method: http.MethodPut, query: "policy", body: []byte(b.Policy)})
}

// removeBucket removes a bucket with its objects, whatever its policy says.
func (p *planter) removeBucket(name string) {
	st := p.server.storage
	st.mu.Lock()
	defer st.mu.Unlock()
	st.objects.mu.Lock()
	defer st.objects.mu.Unlock()
	delete(st.buckets, name)
	delete(st.objects.buckets, name)
}

func (b *seedBucket) create() s3Call {
	call := s3Call{operation: "CreateBucket", method: http.MethodPut}
	if b.Ownership != "" {
		call.header = map[string]string{"X-Amz-Object-Ownership": b.Ownership}
	}
	if b.Region != "" {
		call.body = struct {
			XMLName            xml.Name `xml:"CreateBucketConfiguration"`
			LocationConstraint string
		}{LocationConstraint: b.Region}
	}
	return call
}

func (b *seedBucket) setVersioning() s3Call {
	return s3Call{operation: "PutBucketVersioning", method: http.MethodPut, query: "versioning", body: struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  string
	}{Status: b.Versioning}}
}

func (o *seedObject) put() s3Call {
	call := s3Call{operation: "PutObject", method: http.MethodPut, key: o.Key, body: []byte(o.Content)}
	if len(o.Tags) > 0 {
		tags := url.Values{}
		for key, value := range o.Tags {
			tags.Set(key, value)
		}
		call.header = map[string]string{"X-Amz-Tagging": tags.Encode()}
	}
	return call
}
