#!/usr/bin/env bash
# golden.sh rewrites the golden files of every package whose tests take -update.
# Look at the diff before committing: it is what the tests will insist on.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=$(grep -rlE 'flag\.Bool\("update"' --include='*_test.go' . | xargs -r -n1 dirname | sort -u)
if [ -z "$packages" ]; then
	echo "No package has golden files."
	exit 0
fi
# shellcheck disable=SC2086 # one word per package
go test -count=1 $packages -update
git --no-pager diff --stat -- '*testdata*'
