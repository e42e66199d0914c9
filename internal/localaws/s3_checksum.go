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
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

const (
	// crc64NVME is the polynomial of CRC64NVME, reversed.
	crc64NVME = 0x9a6c9329ac4bc9b5
	// defaultChecksum is what S3 computes of an upload that brings none.
	defaultChecksum = "CRC64NVME"
	// A checksum of an upload in parts is either that of the whole object, or
	// one of the checksums of its parts.
	fullObject, composite = "FULL_OBJECT", "COMPOSITE"

	checksumHeader = "X-Amz-Checksum-"
)

// checksum is what S3 keeps to check an object's integrity.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
type checksum struct {
	Algorithm string `json:"algorithm"` // CRC32, CRC32C, CRC64NVME, SHA1 or SHA256
	Kind      string `json:"kind"`      // fullObject or composite
	Value     string `json:"value"`     // in base64; of a composite, with the number of parts behind a dash
}

// checksumAlgorithms are the algorithms by their names in the API.
func checksumAlgorithms() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{
		"CRC32":     func() hash.Hash { return crc32.NewIEEE() },
		"CRC32C":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
		"CRC64NVME": func() hash.Hash { return crc64.New(crc64.MakeTable(crc64NVME)) },
		"SHA1":      sha1.New,
		"SHA256":    sha256.New,
	}
}

func checksumHeaderOf(algorithm string) string {
	return textproto.CanonicalMIMEHeaderKey(checksumHeader + algorithm)
}

// checksumOf computes the checksum of data.
func checksumOf(algorithm string, data []byte) checksum {
	return checksum{Algorithm: algorithm, Kind: fullObject, Value: base64.StdEncoding.EncodeToString(digestOf(algorithm, data))}
}

func digestOf(algorithm string, data []byte) []byte {
	h := checksumAlgorithms()[algorithm]()
	_, _ = h.Write(data) // a hash never fails
	return h.Sum(nil)
}

// addTo shows the checksum in an answer's headers.
func (c checksum) addTo(header http.Header) {
	if c.Algorithm == "" {
		return
	}
	header.Set(checksumHeaderOf(c.Algorithm), c.Value)
	header.Set("X-Amz-Checksum-Type", c.Kind)
}

// claimedChecksum reads the one checksum that the headers may carry; its
// algorithm is empty for none.
func claimedChecksum(header http.Header) (checksum, *apiError) {
	var claimed checksum
	for algorithm := range checksumAlgorithms() {
		value := header.Get(checksumHeaderOf(algorithm))
		if value == "" {
			continue
		}
		if claimed.Algorithm != "" {
			return checksum{}, newError(http.StatusBadRequest, "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		claimed = checksum{Algorithm: algorithm, Kind: fullObject, Value: value}
	}
	sdk := header.Get("X-Amz-Sdk-Checksum-Algorithm")
	switch {
	case sdk == "" || strings.EqualFold(sdk, claimed.Algorithm):
		return claimed, nil
	case claimed.Algorithm == "":
		return checksum{}, newError(http.StatusBadRequest, "InvalidRequest",
			"x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	default:
		return checksum{}, newError(http.StatusBadRequest, "InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
}

// checkUpload checks what the headers say of the digests of an uploaded body,
// and answers the checksum that the object is to have. Where none is claimed,
// it is computed by the given algorithm.
func checkUpload(header http.Header, body []byte, algorithm string) (checksum, *apiError) {
	if failure := checkMD5(header, body); failure != nil {
		return checksum{}, failure
	}
	claimed, failure := claimedChecksum(header)
	if failure != nil {
		return checksum{}, failure
	}
	if claimed.Algorithm == "" {
		return checksumOf(algorithm, body), nil
	}
	return claimed, claimed.check(body)
}

// check compares the checksum with that of data.
func (c checksum) check(data []byte) *apiError {
	name := strings.ToLower(c.Algorithm)
	digest := digestOf(c.Algorithm, data)
	claimed, err := base64.StdEncoding.DecodeString(c.Value)
	if err != nil || len(claimed) != len(digest) {
		return newError(http.StatusBadRequest, "InvalidRequest", "Value for x-amz-checksum-%s header is invalid.", name)
	}
	if subtle.ConstantTimeCompare(claimed, digest) != 1 {
		return newError(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", c.Algorithm)
	}
	return nil
}

func checkMD5(header http.Header, body []byte) *apiError {
	values, given := header["Content-Md5"]
	if !given {
		return nil
	}
	claimed, err := base64.StdEncoding.DecodeString(strings.Join(values, ","))
	if err != nil || len(claimed) != md5.Size {
		return newError(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.")
	}
	digest := md5.Sum(body) //nolint:gosec // it is what the client sends
	if subtle.ConstantTimeCompare(claimed, digest[:]) != 1 {
		return newError(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	return nil
}

// checkDigests compares the body of a call that carries no object with the
// digests in the headers, and tells whether there were any.
func checkDigests(header http.Header, body []byte) (checked bool, failure *apiError) {
	if failure := checkMD5(header, body); failure != nil {
		return false, failure
	}
	claimed, failure := claimedChecksum(header)
	if failure != nil {
		return false, failure
	}
	if claimed.Algorithm == "" {
		return header.Get("Content-Md5") != "", nil
	}
	return true, claimed.check(body)
}

// partsChecksum reads which checksum the object of an upload in parts is to
// have. CRC64NVME is always that of the whole object, and a SHA never.
func partsChecksum(header http.Header) (checksum, *apiError) {
	c := checksum{Algorithm: strings.ToUpper(header.Get("X-Amz-Checksum-Algorithm")), Kind: strings.ToUpper(header.Get("X-Amz-Checksum-Type"))}
	if c.Algorithm == "" {
		if c.Kind != "" {
			return checksum{}, newError(http.StatusBadRequest, "InvalidRequest", "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return checksum{Algorithm: defaultChecksum, Kind: fullObject}, nil
	}
	if checksumAlgorithms()[c.Algorithm] == nil {
		return checksum{}, newError(http.StatusBadRequest, "InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	kinds := []string{composite, fullObject} // the default first
	switch c.Algorithm {
	case "CRC64NVME":
		kinds = []string{fullObject}
	case "SHA1", "SHA256":
		kinds = []string{composite}
	}
	if c.Kind == "" {
		c.Kind = kinds[0]
	}
	if !slices.Contains(kinds, c.Kind) {
		return checksum{}, newError(http.StatusBadRequest, "InvalidRequest", "The %s checksum type cannot be used with the %s checksum algorithm.", c.Kind, strings.ToLower(c.Algorithm))
	}
	return c, nil
}

// removeDigests takes out the headers of digests, which have been checked.
// gofakes3 would take each that begins like a checksum's for one.
func removeDigests(header http.Header) {
	header.Del("Content-Md5")
	header.Del("X-Amz-Sdk-Checksum-Algorithm")
	maps.DeleteFunc(header, func(name string, _ []string) bool { return strings.HasPrefix(name, checksumHeader) })
}
