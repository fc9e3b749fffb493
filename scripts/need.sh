#!/usr/bin/env bash
# need.sh makes sure of what the tests need besides Go: it installs the missing
# Debian packages as root, and otherwise names them and fails. `need.sh check`
# also looks for what `make check` needs, `need.sh ble` for that of `make ble`
# alone.
set -euo pipefail

missing=()

# need PACKAGE COMMAND… wants the package if the command fails.
need() {
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}

need chromium command -v chromium # pages in a real browser
need gdb command -v gcore         # core dumps of a phone, searched for codes
need fonts-wqy-zenhei ls /usr/share/fonts/truetype/wqy/wqy-zenhei.ttc # Chinese in that browser
need nodejs command -v node       # the format's vectors, checked by another language
need curl command -v curl         # the documents' commands
need jq command -v jq
need alsa-utils command -v aplay # the card's voice, played
need iproute2 command -v ip       # each document runs in a network of its own
need util-linux command -v unshare
# A chip in a PC/SC reader. The tests start a pcscd of their own; nothing needs
# the system's, whether or not the package starts it.
need pcscd test -x /usr/sbin/pcscd
need vsmartcard-vpcd ls /usr/lib/pcsc/drivers/serial/libifdvpcd.so
need libpcsclite1 ls /usr/lib/*/libpcsclite.so.1
need opensc command -v opensc-tool
need pcsc-tools command -v scriptor
if [ "${1:-}" = check ]; then
	need make command -v make
	need gcc command -v gcc # the race detector links with it
	need libc6-dev ls /usr/include/stdlib.h
fi
if [ "${1:-}" = ble ]; then
	missing=()
	need qemu-system-x86 command -v qemu-system-x86_64 # a machine that has Bluetooth
fi

if [ ${#missing[@]} -eq 0 ]; then
	exit 0
fi

install="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "These Debian packages are needed and missing: ${missing[*]}" >&2
	echo "Install them with: sudo $install" >&2
	exit 1
fi

export DEBIAN_FRONTEND=noninteractive
echo "installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # several words
if ! { apt-get update && $install; } >"$log" 2>&1; then
	cat "$log" >&2
	echo "Could not install what is needed. Try by hand: $install" >&2
	exit 1
fi
