#!/usr/bin/env bash
# Installs Debian's redis-server for the tests, unless there is one.
set -euo pipefail
command -v redis-server >/dev/null && exit
if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
	echo "redis-server is missing and cannot be installed from here: install it yourself (Debian: apt-get install redis-server, as root)" >&2
	exit 1
fi
echo "installing redis-server" >&2
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null
