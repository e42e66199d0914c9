package localaws

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
)

// idAlphabet is that of AWS's unique ids and access keys: 32 characters, so
// that a random byte maps to one without bias.
const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// newID makes a unique id of 21 characters. The four of the prefix tell its
// kind: AROA a role, AIDA a user, ANPA a policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func newID(prefix string) string {
	return prefix + randomName(17)
}

// newAccessKeyID makes the id of a temporary access key, of 20 characters.
func newAccessKeyID() string {
	return "ASIA" + randomName(16)
}

// newUserKeyID makes the id of a user's access key, of 20 characters.
func newUserKeyID() string {
	return "AKIA" + randomName(16)
}

func randomName(length int) string {
	name := make([]byte, length)
	_, _ = rand.Read(name) // crypto/rand.Read never fails
	for i, x := range name {
		name[i] = idAlphabet[int(x)%len(idAlphabet)]
	}
	return string(name)
}

// newSecret makes n random bytes in base64.
func newSecret(n int) string {
	random := make([]byte, n)
	_, _ = rand.Read(random) // crypto/rand.Read never fails
	return base64.StdEncoding.EncodeToString(random)
}

// newRequestID makes a request id in the shape of AWS's.
func newRequestID() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // crypto/rand.Read never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}
