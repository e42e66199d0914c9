package localaws

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const denyEverybody = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::` +
	shared + `","arn:aws:s3:::` + shared + `/*"]}]}`

func TestPolicyThatLocksItsWriterOut(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		document, confirm string
		code              string
		warned            bool
	}{
		"is taken, with a word in the log": {document: denyEverybody, code: success, warned: true},
		"is taken when it is confirmed":    {document: denyEverybody, confirm: "true", code: success},
		"is taken when it is not meant":    {document: denyEverybody, confirm: "false", code: success, warned: true},
		"with a malformed confirmation":    {document: denyEverybody, confirm: "yes", code: "InvalidArgument"},
		"but not of its writer": {
			document: strings.Replace(denyEverybody, `"Resource"`, `"Condition":{"StringEquals":{"aws:PrincipalTag/a":"b"}},"Resource"`, 1), code: success,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			s, err := New(Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			if code := s.call(t, http.MethodPut, "/"+shared, ""); code != success {
				t.Fatal(code)
			}
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/"+shared+"?policy", strings.NewReader(test.document))
			r.Header.Set("X-Amz-Confirm-Remove-Self-Bucket-Access", test.confirm)
			s.serveS3(w, r, s.administrator())
			if code := codeIn(w); code != test.code {
				t.Errorf("answered %q, want %q", code, test.code)
			}
			if warned := strings.Contains(log.String(), "locks its writer out"); warned != test.warned {
				t.Errorf("warned %t, want %t; log %s", warned, test.warned, &log)
			}
		})
	}
}
