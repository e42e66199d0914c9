#!/usr/bin/env bash
# Fails if the tree differs from the last commit, untracked files included, and prints what differs.
set -euo pipefail
cd "$(dirname "$0")/.."
changes=$(git status --porcelain --untracked-files=all)
[ -z "$changes" ] && exit 0
{
	echo "The tree differs from the last commit. What the generators write must be committed with its source:"
	echo "$changes"
	git --no-pager diff --stat
} >&2
exit 1
