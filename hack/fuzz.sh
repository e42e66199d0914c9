#!/usr/bin/env bash
# Runs the fuzz targets below some folders, or all, each for the time: ./fuzz.sh TIME [FOLDER...]
# As many run at once as there are processors. Progress goes to standard output, failures
# to standard error. An input that fails a target is kept by Go in the package's
# testdata/fuzz, where the tests find it from then on.
set -euo pipefail
export FUZZTIME=${1:?how long to run each target, such as 20s}
shift
cd "$(dirname "$0")/.."

# What a server covers is never exactly the same twice, and Go takes the difference for
# news. So there is no minimizing, which would leave no time to fuzz, and each run begins
# with the seeds, not with all the news of earlier runs, which are more each time.
export FUZZCACHE
FUZZCACHE=$(mktemp -d)
trap 'rm -rf "$FUZZCACHE"' EXIT

# fuzz FOLDER TARGET. No race detector: it would cost most of the inputs that fit into
# the time, and the tests run the seeds with it.
fuzz() {
	local log
	if log=$(go test -vet=off -run='^$' -fuzz="^$2\$" -fuzztime="$FUZZTIME" -fuzzminimizetime=0x -parallel=1 "$1" \
		-args -test.fuzzcachedir="$FUZZCACHE/$1" 2>&1) || only_ended "$log"; then
		echo "$1 $2: $(grep -oE 'execs: [0-9]+' <<<"$log" | tail -n 1)"
		return
	fi
	printf '%s\n%s failed; the input, if one did it, is kept in %s/testdata/fuzz/%s\n' "$log" "$2" "$1" "$2" >&2
	return 1
}

# only_ended LOG. Until Go 1.27 the runner may take the end of its time for a failure,
# one without an input (https://go.dev/issue/75804).
only_ended() {
	grep -qx '    context deadline exceeded' <<<"$1" && ! grep -qE 'Failing input written to|seed corpus entry' <<<"$1"
}

targets=$(grep -roE --include='*_test.go' '^func Fuzz\w+' "${@:-.}" | sed -E 's|/[^/]+:func | |' | sort)
export -f fuzz only_ended
xargs -P "$(nproc)" -L 1 bash -c 'fuzz "$@"' fuzz <<<"$targets"
