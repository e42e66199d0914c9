package localaws

import (
	"crypto/md5"  //nolint:gosec // Content-MD5 is part of S3's protocol.
	"crypto/sha1" //nolint:gosec // x-amz-checksum-sha1 is part of S3's protocol.
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
)

// crc64NVME is the polynomial of x-amz-checksum-crc64nvme, reversed.
const crc64NVME = 0x9a6c9329ac4bc9b5

// digestHeaders are the headers that carry a digest of the body, in base64.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
func digestHeaders() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{
		"Content-Md5":              md5.New,
		"X-Amz-Checksum-Crc32":     func() hash.Hash { return crc32.NewIEEE() },
		"X-Amz-Checksum-Crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
		"X-Amz-Checksum-Crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(crc64NVME)) },
		"X-Amz-Checksum-Sha1":      sha1.New,
		"X-Amz-Checksum-Sha256":    sha256.New,
	}
}

// checkDigests compares the body with all digests in the headers, and tells
// which headers those were.
func checkDigests(header http.Header, body []byte) (checked []string, failure *apiError) {
	for name, newHash := range digestHeaders() {
		encoded := header.Get(name)
		if encoded == "" {
			continue
		}
		h := newHash()
		_, _ = h.Write(body) // a hash never fails
		claimed, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(claimed) != h.Size() {
			return nil, newError(http.StatusBadRequest, "InvalidDigest", "The value of the header %s is not valid.", name)
		}
		if subtle.ConstantTimeCompare(claimed, h.Sum(nil)) != 1 {
			return nil, newError(http.StatusBadRequest, "BadDigest", "The digest in %s did not match what we received.", name)
		}
		checked = append(checked, name)
	}
	return checked, nil
}
