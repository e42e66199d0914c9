# Goes through the broker with curl, as docs/broker.md says one may, and through what it
# refuses. Prints a line for each: what, what came, what was wanted, between tabs.
# Everything that was answered goes to the file answers.
set -euo pipefail

# ask WHAT "STATUS [CODE]" CURL-ARGUMENT...
ask() {
	local what=$1 want=$2
	shift 2
	: >body
	curl -sS -o body -w '{"method":"%{method}","url":"%{url}","status":%{response_code},"headers":%{header_json}}' "$@" >meta
	jq -c --rawfile body body '.body = $body | .headers |= map_values(.[0])' meta >>answers
	local got
	got=$(jq -r .status meta)
	[ "${want% *}" = "$want" ] || got+=" $(jq -r .error body)"
	printf '%s\t%s\t%s\n' "$what" "$got" "$want"
}

start=$ISSUER/v1/auth/wallet/start verify=$ISSUER/v1/auth/wallet/verify mint=$ISSUER/v1/mint-oidc-jwt token=$ISSUER/oauth2/token
wallet-token --new-key key >/dev/null
wallet=$(wallet-token --address --key key)
hello="{\"address\":\"$wallet\",\"chain_id\":1}"
printf '%5000s' ' ' >large

ask 'asks for a message' 200 --json "$hello" "$start"
request=$(jq -r .request_id body)
signature=$(jq -j .siwe_message body | sign key)
proof="{\"request_id\":\"$request\",\"signature\":\"$signature\"}"
ask 'signs in' 200 --json "$proof" "$verify"
printf 'Authorization: Bearer %s' "$(jq -r .session_jwt body)" >bearer
ask 'signs in with the same message' '401 sign_in_failed' --json "$proof" "$verify"
ask 'signs in with a message of nobody' '401 sign_in_failed' --json '{"request_id":"x","signature":"0x"}' "$verify"
ask 'mints' 200 -H @bearer -X POST "$mint"
ask 'mints by HTTP/1.1' 200 --http1.1 -H @bearer -X POST "$mint"
ask 'mints for a role' 200 -H @bearer --json "{\"role_arn\":\"$ROLE\"}" "$mint"
ask 'mints by a body of unknown length' 200 -H @bearer -H 'Transfer-Encoding: chunked' --http1.1 --json '{}' "$mint"
ask 'mints for no role of the issuer' '400 invalid_role' -H @bearer --json '{"role_arn":"arn:aws:iam::1:role/x"}' "$mint"
ask 'mints without a bearer' '401 unauthorized' -X POST "$mint"
ask 'mints with a bearer of nobody' '401 unauthorized' -H 'Authorization: Bearer x' -X POST "$mint"
ask 'mints with a password' '401 unauthorized' -u name:password -X POST "$mint"
ask 'mints with two bearers' '401 unauthorized' -H @bearer -H @bearer -X POST "$mint"

ask 'names an address that is none' '400 invalid_address' --json '{"address":"0x1","chain_id":1}' "$start"
ask 'names a chain that is not taken' '400 unsupported_chain' --json "${hello/1\}/5\}}" "$start"
ask 'sends an array' '400 invalid_request' --json "[$hello]" "$start"
ask 'sends a member too many' '400 invalid_request' --json "${hello/\{/\{\"x\":1,}" "$start"
ask 'sends a member twice' '400 invalid_request' --json "${hello/\{/\{\"chain_id\":1,}" "$start"
ask 'sends two objects' '400 invalid_request' --json "$hello$hello" "$start"
ask 'sends a form' '415 unsupported_media_type' -d "$hello" "$start"
ask 'sends JSON in Latin-1' '415 unsupported_media_type' --json "$hello" -H 'Content-Type: application/json; charset=latin1' "$start"
ask 'says that its body is compressed' '415 unsupported_media_type' -H 'Content-Encoding: gzip' --json "$hello" "$start"
ask 'sends too much' '413 request_too_large' --json @large "$start"
ask 'sends too much of unknown length' '413 request_too_large' --http1.1 -H 'Transfer-Encoding: chunked' --json @large "$start"
ask 'asks by GET' '405 method_not_allowed' "$start"
ask 'asks for a path that is none' '404 not_found' "$ISSUER/v1"
ask 'spells a path otherwise' '404 not_found' --json "$hello" "$start/"
ask 'asks for AWS credentials' '410 gone' -H @bearer -X POST "$ISSUER/v1/mint-aws-creds"

exchange=(-d grant_type=urn:ietf:params:oauth:grant-type:token-exchange -d subject_token_type=urn:ietf:params:oauth:token-type:jwt
	--data-urlencode "subject_token=$(sed 's/.* //' bearer)")
ask 'exchanges a session' 200 "${exchange[@]}" "$token"
ask 'exchanges it twice in one' '400 invalid_request' "${exchange[@]}" "${exchange[@]}" "$token"
ask 'exchanges it in the URL' '400 invalid_request' -G "${exchange[@]}" -X POST -H 'Content-Type: application/x-www-form-urlencoded' "$token"
ask 'exchanges nothing' '400 invalid_request' -d '' "$token"
ask 'exchanges JSON' '415 invalid_request' --json '{}' "$token"
ask 'exchanges by GET' '405 invalid_request' "$token"
ask 'exchanges with a bearer' '401 invalid_client' -H @bearer "${exchange[@]}" "$token"
ask 'exchanges with a secret' '401 invalid_client' -d client_secret=x "${exchange[@]}" "$token"

for document in /.well-known/openid-configuration /.well-known/oauth-authorization-server /.well-known/jwks.json /openapi.json; do
	ask "reads $document" 200 "$ISSUER$document"
	etag=$(jq -r ".headers.etag[0]" meta)
	ask "has $document already" 304 -H "If-None-Match: $etag" "$ISSUER$document"
	ask "asks for the head of $document" 200 --head "$ISSUER$document"
	ask "posts to $document" '405 method_not_allowed' --json '{}' "$ISSUER$document"
done
ask 'asks for health' 200 "$ISSUER/healthz"
ask 'asks whether it is ready' 200 "$ISSUER/readyz"
curl -sS --tls-max 1.1 "$ISSUER/healthz" >body 2>&1 && status=taken || status=refused
printf 'speaks TLS 1.1\t%s\trefused\n' "$status"

# The wallet's limit is a burst of 50; a fragment is not sent.
curl -sS -o body -w '%{response_code} %header{retry-after}\n' -H @bearer -X POST "$mint#[1-70]" >statuses
printf 'mints too often\t%s\t429 1\n' "$(grep -m 1 ^429 statuses || tail -n 1 statuses)"
ask 'mints once more' '429 rate_limited' -H @bearer -X POST "$mint"
