package probe

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// presignLifetime is how long a presigned URL is good for.
const presignLifetime = time.Minute

// presigned uses a URL as a holder without credentials would.
func presigned(key at) call {
	return func(ctx context.Context, t *target) answer {
		signed, err := s3.NewPresignClient(t.own.s3).PresignGetObject(ctx,
			&s3.GetObjectInput{Bucket: t.name(), Key: key(t)}, s3.WithPresignExpires(presignLifetime))
		if err != nil {
			return answer{err: fmt.Errorf("presigning: %w", err)}
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, signed.URL, http.NoBody)
		if err != nil {
			return answer{err: fmt.Errorf("preparing presigned request: %w", err)}
		}
		response, err := t.own.http.Do(request)
		if err != nil {
			return answer{err: err}
		}
		defer func() { _ = response.Body.Close() }()
		return readAnswer(response)
	}
}

// readAnswer reads S3's answer to a plain request
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
func readAnswer(response *http.Response) answer {
	given := answer{requestID: response.Header.Get("X-Amz-Request-Id"), status: response.StatusCode}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return answer{err: err}
	}
	if response.StatusCode == http.StatusOK {
		return given
	}
	var failure struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
	}
	// A body that is no error of S3's leaves the code empty.
	if err := xml.Unmarshal(body, &failure); err == nil {
		given.code = failure.Code
	}
	given.err = &statusError{status: response.StatusCode, code: given.code}
	return given
}

// statusError is a refusal of a plain request.
type statusError struct {
	status int
	code   string
}

// Error names the status and the code.
func (e *statusError) Error() string { return fmt.Sprintf("S3 answered %d %s", e.status, e.code) }
