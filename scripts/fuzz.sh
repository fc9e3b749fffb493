#!/usr/bin/env bash
# fuzz.sh runs every Fuzz target of the module, one after the other, for
# FUZZTIME each (20s). With PKG it keeps to those packages: PKG=./tlv/...
# A crasher is left in testdata/fuzz of its package: commit it with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."

found=0
failed=()
for package in $(go list "${PKG:-./...}"); do
	targets=$(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true)
	for target in $targets; do
		found=$((found + 1))
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-20s}" "$package" ||
			failed+=("$package $target")
	done
done

if [ "$found" -eq 0 ]; then
	echo "No Fuzz target was found: nothing has been tested." >&2
	exit 1
fi
if [ ${#failed[@]} -gt 0 ]; then
	printf 'failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
echo "$found targets, no failure"
