package main

import (
	"fmt"
	"net"
	"strings"
)

// announcement is what is printed when localaws is ready: one line for programs,
// and what people paste.
type announcement struct {
	flags    *flags
	endpoint string
	bundle   string // file of the CA to trust; empty for none that we know
}

// String ends the line for programs before anything else: it can be read alone.
func (a *announcement) String() string {
	region, key := a.flags.options.Region, "localaws"
	secret, quoted, profileSecret := "localaws", "localaws", "aws_secret_access_key = localaws"
	if a.flags.options.SecretAccessKey != "" {
		// A secret of one's own is not printed.
		key = a.flags.options.AccessKeyID
		secret, quoted = "$"+secretVariable, `"$`+secretVariable+`"`
		profileSecret = "# aws_secret_access_key = the one in " + secretVariable
	}
	bundle, profileBundle := "", ""
	if a.bundle != "" {
		bundle, profileBundle = " AWS_CA_BUNDLE="+quote(a.bundle), "ca_bundle = "+a.bundle+"\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "localaws is ready: AWS_ENDPOINT_URL=%s AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_REGION=%s%s\n\n",
		a.endpoint, key, secret, region, bundle)
	fmt.Fprintf(&b, "# For a shell:\nexport AWS_ENDPOINT_URL=%s AWS_REGION=%s AWS_DEFAULT_REGION=%[2]s%s\n", a.endpoint, region, bundle)
	fmt.Fprintf(&b, "export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n\n", key, quoted)
	fmt.Fprintf(&b, "# For ~/.aws/config, and then aws --profile localaws:\n[profile localaws]\nendpoint_url = %s\nregion = %s\n", a.endpoint, region)
	fmt.Fprintf(&b, "aws_access_key_id = %s\n%s\n%s", key, profileSecret, profileBundle)
	b.WriteString("s3 =\n  addressing_style = path\n  signature_version = s3v4\n")
	return b.String()
}

// quote makes a path one word of a shell.
func quote(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !strings.ContainsRune(shellSafe, r) }) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

const shellSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:@"

// endpoint is the URL of an address as a client on this machine reaches it.
func endpoint(address net.Addr, secure bool) string {
	scheme, host := "http", address.String()
	if secure {
		scheme = "https"
	}
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return scheme + "://" + host
}
