package localaws_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
)

func TestProviderURL(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		url, resource string // of the ARN; empty for a refusal
	}{
		"https":                         {"https://broker.example.com", "broker.example.com"},
		"with a path":                   {"https://broker.example.com/issuer/one", "broker.example.com/issuer/one"},
		"trailing slash is another":     {"https://broker.example.com/", "broker.example.com/"},
		"upper case is another":         {"https://Broker.example.com", "Broker.example.com"},
		"loopback over http":            {"http://127.0.0.1:8080", "127.0.0.1:8080"},
		"loopback with a port":          {"https://localhost:8443/issuer", "localhost:8443/issuer"},
		"loopback of IPv6":              {"http://[::1]:8080", "[::1]:8080"},
		"http":                          {"http://broker.example.com", ""},
		"a port":                        {"https://broker.example.com:8443", ""},
		"a query":                       {"https://broker.example.com?tenant=1", ""},
		"an empty query":                {"https://broker.example.com?", ""},
		"a fragment":                    {"https://broker.example.com#top", ""},
		"a user":                        {"https://user@broker.example.com", ""},
		"no scheme":                     {"broker.example.com", ""},
		"a blank":                       {"https://broker.example.com/issuer one", ""},
		"a letter that is not ASCII":    {"https://broker.example.com/é", ""},
		"no host":                       {"https://", ""},
		"a name that begins like local": {"http://localhost.example.com:80", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			out, err := w.iam.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: &test.url})
			if test.resource == "" {
				wantRefusal(t, err, "ValidationError", "Invalid Open ID Connect Provider URL")
				return
			}
			wantCode(t, err, "")
			if want := "arn:aws:iam::" + account + ":oidc-provider/" + test.resource; *out.OpenIDConnectProviderArn != want {
				t.Errorf("ARN %s, want %s", *out.OpenIDConnectProviderArn, want)
			}
			got, err := w.iam.GetOpenIDConnectProvider(t.Context(), &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: out.OpenIDConnectProviderArn})
			wantCode(t, err, "")
			if *got.Url != test.resource {
				t.Errorf("URL %s, want it without its scheme: %s", *got.Url, test.resource)
			}
		})
	}
}

func TestProviderLifecycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, url := t.Context(), aws.String("https://broker.example.com")
	in := &iam.CreateOpenIDConnectProviderInput{Url: url, ClientIDList: []string{"sts.amazonaws.com"}, Tags: []iamtypes.Tag{iamTag("owner", "us")}}
	created, err := w.iam.CreateOpenIDConnectProvider(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.iam.CreateOpenIDConnectProvider(ctx, in)
	wantRefusal(t, err, "EntityAlreadyExists", "Provider with url https://broker.example.com already exists.")
	arn := created.OpenIDConnectProviderArn
	for range 2 { // Adding what is there, and removing what is not, succeeds.
		_, err = w.iam.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String("second")})
		wantCode(t, err, "")
	}
	for range 2 {
		_, err = w.iam.RemoveClientIDFromOpenIDConnectProvider(ctx, &iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String("sts.amazonaws.com")})
		wantCode(t, err, "")
	}
	thumbprint := strings.Repeat("aB", 20)
	_, err = w.iam.UpdateOpenIDConnectProviderThumbprint(ctx, &iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: arn, ThumbprintList: []string{thumbprint}})
	wantCode(t, err, "")
	_, err = w.iam.TagOpenIDConnectProvider(ctx, &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, Tags: []iamtypes.Tag{iamTag("env", "test")}})
	wantCode(t, err, "")
	_, err = w.iam.UntagOpenIDConnectProvider(ctx, &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, TagKeys: []string{"owner"}})
	wantCode(t, err, "")
	got, err := w.iam.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	type provider struct {
		Audiences, Thumbprints []string
		Tags                   map[string]string
	}
	want := provider{[]string{"second"}, []string{strings.ToLower(thumbprint)}, map[string]string{"env": "test"}}
	if diff := cmp.Diff(want, provider{got.ClientIDList, got.ThumbprintList, tagMap(got.Tags)}); diff != "" {
		t.Errorf("provider (-want +got):\n%s", diff)
	}
	list, err := w.iam.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	if err != nil || len(list.OpenIDConnectProviderList) != 1 {
		t.Errorf("%d providers (%v), want 1", len(list.OpenIDConnectProviderList), err)
	}
	for _, code := range []string{"", "NoSuchEntity"} {
		_, err = w.iam.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})
		wantCode(t, err, code)
	}
	_, err = w.iam.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})
	wantCode(t, err, "NoSuchEntity")
}

func TestProviderLimits(t *testing.T) {
	t.Parallel()
	audiences := make([]string, 101)
	for i := range audiences {
		audiences[i] = "audience-" + strconv.Itoa(i)
	}
	thumbprint := strings.Repeat("ab", 20)
	tests := map[string]struct {
		audiences, thumbprints []string
		code                   string
	}{
		"100 audiences":           {audiences[:100], nil, ""},
		"101 audiences":           {audiences, nil, "LimitExceeded"},
		"audience of 255":         {[]string{strings.Repeat("a", 255)}, nil, ""},
		"audience of 256":         {[]string{strings.Repeat("a", 256)}, nil, "ValidationError"},
		"5 thumbprints":           {nil, []string{thumbprint, thumbprint, thumbprint, thumbprint, thumbprint}, ""},
		"6 thumbprints":           {nil, []string{thumbprint, thumbprint, thumbprint, thumbprint, thumbprint, thumbprint}, "InvalidInput"},
		"thumbprint of 39":        {nil, []string{thumbprint[1:]}, "ValidationError"},
		"thumbprint that is text": {nil, []string{strings.Repeat("xy", 20)}, "ValidationError"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newWorld(t).iam.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{
				Url: aws.String("https://broker.example.com"), ClientIDList: test.audiences, ThumbprintList: test.thumbprints,
			})
			wantCode(t, err, test.code)
		})
	}
}
