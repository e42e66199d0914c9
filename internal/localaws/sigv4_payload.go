package localaws

import (
	"bytes"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxObjectBody bounds an upload, or one part of it. AWS takes 5 GiB; here
	// objects live in memory.
	maxObjectBody = 256 << 20
	// maxChunkLine bounds the line before a chunk, and each trailing header.
	maxChunkLine = 1024
)

// What a client may declare in x-amz-content-sha256 instead of a digest. The
// STREAMING words announce a body in the aws-chunked encoding.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
const (
	unsignedPayload          = "UNSIGNED-PAYLOAD"
	streamingSigned          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingSignedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// bufferedBody is a body that has been read and can be read again.
type bufferedBody struct {
	*bytes.Reader
	data []byte
}

// Close implements io.Closer.
func (*bufferedBody) Close() error { return nil }

// readBody reads the whole body and puts it back, so that it can be read again.
// What it returns must not be changed.
func readBody(r *http.Request, limit int64) ([]byte, *apiError) {
	if buffered, ok := r.Body.(*bufferedBody); ok {
		if int64(len(buffered.data)) > limit {
			return nil, entityTooLarge()
		}
		return buffered.data, nil
	}
	if r.ContentLength > limit {
		return nil, entityTooLarge()
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, incompleteBody()
	}
	if err != nil {
		return nil, newError(http.StatusBadRequest, "RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout period.")
	}
	if int64(len(body)) > limit {
		return nil, entityTooLarge()
	}
	setBody(r, body)
	return body, nil
}

func entityTooLarge() *apiError {
	return newError(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
}

func setBody(r *http.Request, body []byte) {
	r.Body = &bufferedBody{Reader: bytes.NewReader(body), data: body}
	r.ContentLength = int64(len(body))
	r.TransferEncoding = nil
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
}

func incompleteBody() *apiError {
	return newError(http.StatusBadRequest, "IncompleteBody", "The request body terminated unexpectedly")
}

// acceptUnsigned takes the payload of an unsigned request as it is. Only an
// unsigned chunk encoding can be undone: nobody signed the chunks.
func acceptUnsigned(r *http.Request) *apiError {
	declared := r.Header.Get("X-Amz-Content-Sha256")
	if declared == "" {
		declared = unsignedPayload
	}
	return acceptPayload(r, declared, nil)
}

// acceptPayload checks the body against what the client declared, and leaves
// the plain payload as the request's body. chain is nil for an unsigned request.
func acceptPayload(r *http.Request, declared string, chain *chunkChain) *apiError {
	body, failure := readBody(r, maxObjectBody)
	if failure != nil {
		return failure
	}
	switch declared {
	case unsignedPayload:
		return nil
	case streamingUnsignedTrailer:
		return acceptChunks(r, body, chunkDecoder{trailer: true})
	case streamingSigned, streamingSignedTrailer:
		if chain == nil {
			return accessDenied("Access Denied")
		}
		return acceptChunks(r, body, chunkDecoder{trailer: declared == streamingSignedTrailer, chain: chain})
	}
	if !signaturePattern.MatchString(declared) {
		return newError(http.StatusBadRequest, "InvalidArgument", "x-amz-content-sha256 must be %s, %s, %s, %s, or a valid sha256 value.",
			unsignedPayload, streamingUnsignedTrailer, streamingSigned, streamingSignedTrailer)
	}
	if !hmac.Equal([]byte(declared), []byte(hexSHA256(body))) {
		return newError(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return nil
}

// acceptChunks replaces an aws-chunked body by its payload, and moves the
// trailing headers (a checksum) to where a plain upload has them.
func acceptChunks(r *http.Request, body []byte, decoder chunkDecoder) *apiError {
	length, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return newError(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	}
	payload, failure := decoder.decode(body)
	if failure != nil {
		return failure
	}
	if int64(len(payload)) != length {
		return incompleteBody()
	}
	announced := strings.FieldsFunc(strings.ToLower(strings.Join(r.Header.Values("X-Amz-Trailer"), ",")),
		func(c rune) bool { return c == ',' || c == ' ' })
	for name, value := range decoder.trailing {
		if !slices.Contains(announced, name) || !strings.HasPrefix(name, "x-amz-checksum-") {
			return malformedTrailer()
		}
		r.Header.Set(name, value)
	}
	if len(announced) != len(decoder.trailing) {
		return malformedTrailer()
	}
	r.Header.Del("X-Amz-Decoded-Content-Length")
	r.Header.Del("X-Amz-Trailer")
	setBody(r, payload)
	return nil
}

// chunkChain signs the chunks of a body: each signature covers the one before.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
type chunkChain struct {
	key          []byte
	stamp, scope string
	previous     string // signature of the request, then of each chunk
}

// next tells whether signature is that of the next piece of the body; the
// piece's hashes make the last lines of what is signed.
func (c *chunkChain) next(kind, signature string, hashes ...string) bool {
	text := strings.Join(append([]string{signingAlgorithm + "-" + kind, c.stamp, c.scope, c.previous}, hashes...), "\n")
	expected := hex.EncodeToString(hmacSHA256(c.key, text))
	c.previous = expected
	return hmac.Equal([]byte(expected), []byte(signature))
}

// chunkDecoder undoes the aws-chunked encoding.
type chunkDecoder struct {
	trailer bool        // trailing headers follow the last chunk
	chain   *chunkChain // nil where chunks are not signed
	// trailing are the trailing headers, names in lower case.
	trailing map[string]string
}

// decode returns the payload of a whole aws-chunked body:
// (<hex size>[;chunk-signature=<hex>] CRLF <bytes> CRLF)* and a chunk of size 0,
// trailing headers, CRLF.
func (d *chunkDecoder) decode(body []byte) ([]byte, *apiError) {
	var payload []byte
	for {
		line, rest, ok := cutLine(body)
		if !ok {
			return nil, incompleteBody()
		}
		size, signature, ok := parseChunkLine(line)
		if !ok {
			return nil, newError(http.StatusBadRequest, "InvalidRequest", "The chunk header is malformed")
		}
		if size > len(rest) {
			return nil, incompleteBody()
		}
		chunk := rest[:size]
		if d.chain != nil && !d.chain.next("PAYLOAD", signature, hexSHA256(nil), hexSHA256(chunk)) {
			return nil, faultsOf("s3").mismatch()
		}
		if body = rest[size:]; size == 0 {
			return payload, d.finish(body)
		}
		if body, ok = bytes.CutPrefix(body, []byte("\r\n")); !ok {
			return nil, incompleteBody()
		}
		payload = append(payload, chunk...)
	}
}

// finish reads what follows the last chunk.
func (d *chunkDecoder) finish(rest []byte) *apiError {
	if !d.trailer {
		if string(rest) != "\r\n" {
			return incompleteBody()
		}
		return nil
	}
	d.trailing = map[string]string{}
	var signed strings.Builder
	signature := ""
	for {
		line, after, ok := cutLine(rest)
		if !ok {
			return incompleteBody()
		}
		rest = after
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if _, twice := d.trailing[name]; !ok || twice || signature != "" {
			return malformedTrailer()
		}
		if name == "x-amz-trailer-signature" {
			signature = value
			continue
		}
		d.trailing[name] = value
		signed.WriteString(name + ":" + value + "\n")
	}
	if len(rest) > 0 {
		return malformedTrailer()
	}
	if d.chain != nil && !d.chain.next("TRAILER", signature, hexSHA256([]byte(signed.String()))) {
		return faultsOf("s3").mismatch()
	}
	return nil
}

func malformedTrailer() *apiError {
	return newError(http.StatusBadRequest, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
}

// cutLine takes one line, ended by CRLF, off the front.
func cutLine(body []byte) (line string, rest []byte, ok bool) {
	i := bytes.Index(body[:min(len(body), maxChunkLine)], []byte("\r\n"))
	if i < 0 {
		return "", nil, false
	}
	return string(body[:i]), body[i+2:], true
}

func parseChunkLine(line string) (size int, signature string, ok bool) {
	digits, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(digits, 16, 31)
	if err != nil {
		return 0, "", false
	}
	return int(n), strings.TrimPrefix(extension, "chunk-signature="), true
}
